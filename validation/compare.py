"""Compare `litbench.effects.pool` with metafor's output and with an exact solution of the REML equation.

Run from the repository: ``python validation/compare.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from litbench import effects

HERE = Path(__file__).parent
INTERVALS = {"z": "wald", "knha": "hartung-knapp", "adhoc": "hartung-knapp"}  # metafor's test= and ours


def bcg() -> tuple[np.ndarray, np.ndarray]:
    """Return log risk ratios and variances of the 13 BCG trials (Colditz et al. 1994)."""
    trials = pd.read_csv(HERE / "bcg.csv")
    treated, control = trials.tpos + trials.tneg, trials.cpos + trials.cneg
    y = np.log((trials.tpos / treated) / (trials.cpos / control))
    return y.to_numpy(), (1 / trials.tpos - 1 / treated + 1 / trials.cpos - 1 / control).to_numpy()


def exact_tau2(y: np.ndarray, v: np.ndarray) -> float:
    """Return tau² at which the derivative of the restricted likelihood is zero, found by bisection."""

    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        residual = y - w @ y / w.sum()
        return float(w**2 @ residual**2 - w.sum() + w @ w / w.sum())

    return brentq(score, 0, 100 * y.var(), xtol=1e-15, rtol=1e-14) if score(0) > 0 else 0.0


def compare() -> pd.DataFrame:
    """Return a row a number: ``case, test, quantity, metafor, litbench, difference, printed``."""
    rows = []
    y, v = bcg()
    for row in pd.read_csv(HERE / "metafor_bcg.csv", dtype=str).itertuples():
        ours = getattr(effects.pool(y, v, interval=INTERVALS[row.test]), row.quantity)
        rows.append(("bcg", row.test, row.quantity, float(row.printed), ours, len(row.printed.partition(".")[2])))
    designs = pd.read_csv(HERE / "small_samples.csv")
    for row in pd.read_csv(HERE / "metafor_small_samples.csv").itertuples():
        members = designs[designs.design == row.design]
        pooled = effects.pool(members.estimate, members.variance, interval=INTERVALS[row.test])
        for quantity in ("estimate", "se", "ci_low", "ci_high", "tau2"):
            rows.append((row.design, row.test, quantity, getattr(row, quantity), getattr(pooled, quantity), 17))
    frame = pd.DataFrame(rows, columns=["case", "test", "quantity", "metafor", "litbench", "printed"])
    return frame.assign(difference=frame.litbench - frame.metafor)


if __name__ == "__main__":
    numbers = compare()
    print(numbers[numbers.case == "bcg"].to_string(index=False))
    others = numbers[numbers.case != "bcg"]
    print(
        others.assign(difference=others.difference.abs()).pivot_table("difference", ["case", "test"], "quantity", "max")
    )
    designs = pd.read_csv(HERE / "small_samples.csv")
    metafor = pd.read_csv(HERE / "metafor_small_samples.csv").drop_duplicates("design").set_index("design").tau2
    for design, members in designs.groupby("design"):
        y, v = members.estimate.to_numpy(), members.variance.to_numpy()
        exact = exact_tau2(y, v)
        ours = effects.pool(y, v).tau2
        print(f"{design}: tau² exact {exact:.10f}, ours {ours - exact:+.1e}, metafor {metafor[design] - exact:+.1e}")
