#!/usr/bin/env python3
"""Write the sample's tables: assumptions/*.csv and data/policies.csv.

usage: tables.py [DIR]      DIR: the sample's folder (default: the one above this file)

The same bytes every time: no clock, no locale, a random generator of our own.
The figures are invented; they have the shape of real ones.
"""
import math
import pathlib
import sys

AGES = range(18, 101)
POLICIES = 1000


def mortality(age, sex, smoker):
    """Makeham's law: a constant for accidents, an exponential for ageing."""
    hazard = {"M": 0.00035, "F": 0.00018}[sex] + {"M": 3.2e-5, "F": 1.9e-5}[sex] * math.exp(0.0985 * age)
    # Smoking weighs most in middle age and fades among those who reached old age.
    extra = 1 + 1.15 * math.exp(-(((age - 52) / 26) ** 2)) if smoker == "S" else 1.0
    return round(min(1.0, 1 - math.exp(-hazard * extra)), 6)


def lapse(year):
    return round(0.018 + 0.085 * math.exp(-0.32 * (year - 1)), 4)


def generator(seed):
    """Uniform numbers in [0, 1), the same on every machine."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 33) / 2**31


def level_premium(age, sex, smoker, term, sum_assured):
    """The expected claims over the expected premiums at 2.5 %, loaded for costs, to the cent."""
    in_force, discount, claims, premiums = 1.0, 1.0, 0.0, 0.0
    for t in range(term):
        premiums += in_force * discount
        discount /= 1.025
        deaths = in_force * mortality(age + t, sex, smoker)
        claims += deaths * discount
        in_force -= deaths
    return round(1.30 * sum_assured * claims / premiums + 66, 2)


def policies():
    draw = generator(20260124)
    for number in range(1, POLICIES + 1):
        age = 20 + int(41 * (next(draw) + next(draw)) / 2)
        sex = "M" if next(draw) < 0.54 else "F"
        smoker = "S" if next(draw) < 0.19 else "N"
        term = min(5 * (1 + int(8 * next(draw))), 75 - age)
        sum_assured = 5000 * (5 + int(96 * next(draw) ** 2))
        premium = level_premium(age, sex, smoker, term, sum_assured)
        yield f"TL{number:06d},{age},{sex},{smoker},{term},{sum_assured},{premium:.2f}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    tables = {
        "assumptions/mortality.csv": ["age,sex,smoker,qx"]
        + [f"{age},{sex},{smoker},{mortality(age, sex, smoker):.6f}" for sex in "MF" for smoker in "NS" for age in AGES],
        "assumptions/lapse.csv": ["year,rate"] + [f"{year},{lapse(year):.4f}" for year in range(1, 41)],
        "assumptions/expenses.csv": [
            "item,value,unit",
            "acquisition,180,per policy",
            "maintenance,32,per policy and year",
            "inflation,0.022,per year",
            "commission_initial,0.45,of premium",
            "commission_renewal,0.025,of premium",
            "claim_handling,400,per claim",
        ],
        "data/policies.csv": ["policy,age,sex,smoker,term,sum_assured,annual_premium"] + list(policies()),
    }
    for name, lines in tables.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(("\n".join(lines) + "\n").encode())


main()
