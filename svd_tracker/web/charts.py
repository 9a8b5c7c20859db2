"""Where the parts of a chart stand. The figures come in, whole units of the drawing go out; chart.html draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

from svd_tracker.money import format_pounds_short

WIDTH, HEIGHT = 440, 250
LEFT, RIGHT, TOP, BOTTOM = 72, 8, 12, 46
TICKS = 4


@dataclass(frozen=True)
class Bar:
    """One bar, or the words in its place when the figure is missing. ``series`` counts from nought."""

    x: int
    y: int
    width: int
    height: int
    series: int
    missing: bool


@dataclass(frozen=True)
class Label:
    x: int
    y: int
    text: str


@dataclass(frozen=True)
class GroupedBars:
    """A drawing of WIDTH by HEIGHT: bars, the labels under the groups, the lines with their amounts."""

    bars: tuple[Bar, ...]
    groups: tuple[Label, ...]
    ticks: tuple[Label, ...]
    zero_y: int


def grouped_bars(groups: Sequence[tuple[str, Sequence[int | None]]]) -> GroupedBars:
    """Lay out bars side by side: (label, figures in pence, one per series) per group. None is missing, never nought."""
    figures = [figure for _, row in groups for figure in row if figure is not None]
    step = _step(max([0, *figures]) - min([0, *figures]))
    highest = -(-max([0, *figures]) // step) * step or step
    lowest = min([0, *figures]) // step * step
    room = HEIGHT - TOP - BOTTOM

    def height_of(pence: int) -> int:
        return TOP + (highest - pence) * room // (highest - lowest)

    zero = height_of(0)
    slot = (WIDTH - LEFT - RIGHT) // max(1, len(groups))
    bars: list[Bar] = []
    for index, (_, row) in enumerate(groups):
        width = min(38, slot * 7 // 10 // max(1, len(row)))
        start = LEFT + index * slot + (slot - width * len(row)) // 2
        for series, figure in enumerate(row):
            top = height_of(max(figure or 0, 0))
            bottom = height_of(min(figure or 0, 0))
            bars.append(Bar(start + series * width, top, width - 3, bottom - top, series, figure is None))
    return GroupedBars(
        bars=tuple(bars),
        groups=tuple(
            Label(LEFT + i * slot + slot // 2, HEIGHT - BOTTOM + 22, text) for i, (text, _) in enumerate(groups)
        ),
        ticks=tuple(
            Label(LEFT - 8, height_of(pence), format_pounds_short(pence)) for pence in range(lowest, highest + 1, step)
        ),
        zero_y=zero,
    )


def _step(span: int) -> int:
    """The round distance between lines, 1, 2, 2.5 or 5 times a power of ten pounds, so that few lines do."""
    power = 100
    while True:
        for tenths in (10, 20, 25, 50):
            step = power * tenths // 10
            if step * TICKS >= span:
                return step
        power *= 10


def progress(part: int, whole: int) -> int:
    """How far a part of a whole reaches on a bar of 100, never past its ends."""
    return 0 if whole <= 0 else max(0, min(100, part * 100 // whole))
