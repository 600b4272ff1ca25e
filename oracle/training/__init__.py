"""How the shipped models were made: ``python -m oracle.training icu2012|pulse --data FOLDER``.

Training is deterministic: the same data and libraries give the same bytes. It needs the extra
``medtwin[train]`` (onnx, scikit-learn); nothing here is imported when a model runs.
"""
