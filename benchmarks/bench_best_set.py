"""The best set of 80 and of 200 proposals, both ceilings a third of what is asked.

    python -m benchmarks.bench_best_set

Made-up rounds of three kinds: results that have nothing to do with what is asked (marks of five members on three
criteria), that follow it loosely, and that follow it but for a constant, which is the hardest kind. Targets: 80
proposals of the first two kinds proved within a second, the hardest 200 stopped at ten seconds with a bound. Seconds
are of the processor. Exit code 1 when one is missed.
"""

import random
import sys
import time
from collections.abc import Callable
from fractions import Fraction

from svd_tracker.calculations.best_set import BestSet, Candidate, best_set
from svd_tracker.calculations.figures import Category

SEEDS = range(3)
SMALL, LARGE = 80, 200
WANTED, LIMIT, SLACK = 1.0, 10.0, 0.5


def marked(rng: random.Random, _asked: int) -> Fraction:
    return Fraction(sum(rng.randint(1, 5) * weight for weight in (40, 35, 25) for _ in range(5)), 2500)


def loosely(rng: random.Random, asked: int) -> Fraction:
    return Fraction(max(1, asked // 2000 + rng.randint(-800, 800)), 10_000)


def closely(_rng: random.Random, asked: int) -> Fraction:
    return Fraction(asked // 2000 + 800, 10_000)


KINDS: tuple[Callable[[random.Random, int], Fraction], ...] = (marked, loosely, closely)


def made(number: int, seed: int, kind: Callable[[random.Random, int], Fraction]) -> BestSet:
    rng = random.Random(f"{number} {seed} {kind.__name__}")
    listed = []
    for place in range(1, number + 1):
        asks = {category: rng.randint(50_000, 8_000_000) for category in Category}
        listed.append(Candidate(f"P-{place:03d}", place, kind(rng, sum(asks.values())), asks))
    money = {category: sum(each.asks[category] for each in listed) // 3 for category in Category}
    return best_set(listed, money, LIMIT, time.process_time)


def main() -> int:
    met = True
    for number in (SMALL, LARGE):
        for kind in KINDS:
            for seed in SEEDS:
                start = time.process_time()
                found = made(number, seed, kind)
                took = time.process_time() - start
                words = "proved" if found.proved else f"not proved, within {float(found.within):.4%}"
                print(f"{number:4} proposals  {kind.__name__:8} {took:6.2f} s  {words}")
                quick = number == SMALL and kind is not closely
                good = took <= WANTED and found.proved if quick else took <= LIMIT + SLACK
                met = met and good
    print(f"{'met   ' if met else 'MISSED'} {SMALL} within {WANTED:.0f} s, {LARGE} stopped at {LIMIT:.0f} s")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
