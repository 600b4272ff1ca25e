"""What an intensive-care twin measures: the parameters of the PhysioNet 2012 challenge, with units and ranges.

LOINC codes are given where the challenge's parameter is surely the one LOINC names.
"""

from __future__ import annotations

from ..records import Channel

# parameter of the challenge -> channel; ranges are wide: outside them a reading is an artefact
PARAMETERS: dict[str, Channel] = {
    "Age": Channel("age", "a", 15, 120, "30525-0"),
    "Gender": Channel("male", "1", 0, 1),
    "Height": Channel("height", "cm", 100, 230, "8302-2"),
    "Weight": Channel("weight", "kg", 25, 320, "29463-7"),
    "ALP": Channel("alp", "U/L", 1, 5_000, "6768-6"),
    "ALT": Channel("alt", "U/L", 1, 30_000, "1742-6"),
    "AST": Channel("ast", "U/L", 1, 40_000, "1920-8"),
    "Albumin": Channel("albumin", "g/dL", 0.5, 8, "1751-7"),
    "BUN": Channel("urea_nitrogen", "mg/dL", 0, 300, "3094-0"),
    "Bilirubin": Channel("bilirubin", "mg/dL", 0, 80, "1975-2"),
    "Cholesterol": Channel("cholesterol", "mg/dL", 10, 1_000, "2093-3"),
    "Creatinine": Channel("creatinine", "mg/dL", 0, 40, "2160-0"),
    "DiasABP": Channel("diastolic_arterial", "mm[Hg]", 10, 220),
    "FiO2": Channel("inspired_oxygen", "1", 0.21, 1),
    "GCS": Channel("coma_scale", "{score}", 3, 15, "9269-2"),
    "Glucose": Channel("glucose", "mg/dL", 5, 2_000, "2345-7"),
    "HCO3": Channel("bicarbonate", "mmol/L", 2, 60),
    "HCT": Channel("haematocrit", "%", 5, 75),
    "HR": Channel("heart_rate", "/min", 10, 300, "8867-4"),
    "K": Channel("potassium", "mmol/L", 1, 15),
    "Lactate": Channel("lactate", "mmol/L", 0.1, 40),
    "MAP": Channel("mean_arterial", "mm[Hg]", 15, 250),
    "MechVent": Channel("ventilated", "1", 0, 1),
    "Mg": Channel("magnesium", "mmol/L", 0.1, 12),
    "NIDiasABP": Channel("diastolic_cuff", "mm[Hg]", 10, 220),
    "NIMAP": Channel("mean_cuff", "mm[Hg]", 15, 250),
    "NISysABP": Channel("systolic_cuff", "mm[Hg]", 30, 300),
    "Na": Channel("sodium", "mmol/L", 90, 200),
    "PaCO2": Channel("arterial_co2", "mm[Hg]", 5, 200, "2019-8"),
    "PaO2": Channel("arterial_o2", "mm[Hg]", 10, 700, "2703-7"),
    "Platelets": Channel("platelets", "10*3/uL", 1, 2_500),
    "RespRate": Channel("respiration_rate", "/min", 1, 100, "9279-1"),
    "SaO2": Channel("arterial_saturation", "%", 20, 100, "2708-6"),
    "SysABP": Channel("systolic_arterial", "mm[Hg]", 30, 300),
    "Temp": Channel("temperature", "Cel", 20, 45, "8310-5"),
    "TroponinI": Channel("troponin_i", "ug/L", 0, 200, "10839-9"),
    "TroponinT": Channel("troponin_t", "ug/L", 0, 100, "6598-7"),
    "Urine": Channel("urine", "mL", 0, 5_000),
    "WBC": Channel("leukocytes", "10*3/uL", 0.05, 600),
    "pH": Channel("ph", "[pH]", 6.5, 8, "2744-1"),
}
