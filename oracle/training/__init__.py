"""How the shipped models are made and judged: ``medtwin train KIND`` and ``medtwin evaluate KIND``.

`learners` lists the kinds, one module each. Training is deterministic: the same data and libraries give the same
bytes. Training needs the extra ``medtwin[train]`` (onnx), judging does not; nothing here is imported when a model runs.
"""
