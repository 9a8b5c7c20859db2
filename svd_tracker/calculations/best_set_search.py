"""How the best set is searched for: exact, in whole numbers, with a bound whenever the time runs out.

The number of proposals funded is taken in turn. For each, a price per penny of either category turns the two ceilings
into one bound (Lagrangian relaxation), and says what departing from the priced choice loses at least. The departures
that could still beat the best set found are listed for two halves of the proposals and joined where their money fits.
Where a list would grow too long, it is cut at a loss, which bounds what was left out, and the search branches.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, count

LONGEST_LIST = 30_000  # of departures in one half: some 10 MB
STEPS = 28  # of each bisection for a price: finer changes no bound that counts
WIDENINGS = 12  # fourfold, of the range in which a price is looked for: beyond it hardly a set fits at all
CORE = 26  # proposals near the edge among which every set is looked at first, for a good one to begin with
LOOK_EVERY = 512  # joins between two looks at the clock
EDGE = 6  # proposals among which a branch picks the one that costs most


@dataclass(frozen=True)
class Item:
    """``worth`` orders whole sets: first the value, then less money, then the refs, which are its lowest bits."""

    worth: int
    labour: int
    other: int


@dataclass(frozen=True)
class _Node:
    """What is settled so far, and what the items taken use. ``take``: how many more of the free ones."""

    free: tuple[Item, ...]
    take: int
    worth: int
    labour: int
    other: int


@dataclass(frozen=True)
class _Relaxed:
    """A node under prices: ``bound`` on its worth, and its free items with what departing from ``chosen`` loses."""

    node: _Node
    bound: int
    prices: tuple[int, int]
    chosen: tuple[Item, ...]
    losses: tuple[tuple[int, int, Item], ...]  # (loss, 1 to add or −1 to drop, item), smallest loss first


class _OutOfTimeError(Exception):
    pass


class Search:
    """Best-first branch and bound over nodes; ``best`` is the worth of the best set found, ``bound`` of any set."""

    def __init__(
        self, items: tuple[Item, ...], ceilings: tuple[int, int], limit: float, clock: Callable[[], float]
    ) -> None:
        self.items, self.ceilings = items, ceilings
        self.best, self.bound, self.proved = 0, 0, False
        self._clock, self._end = clock, clock() + limit

    def run(self) -> None:
        heap: list[tuple[int, int, _Relaxed]] = []
        number = count()
        self.bound = sum(max(0, each.worth) for each in self.items)
        try:
            for relaxed in self._by_number():
                heapq.heappush(heap, (-relaxed.bound, next(number), relaxed))
                self._try_core(relaxed)
            while heap and -heap[0][0] > self.best:
                self.bound = -heap[0][0]
                relaxed = heap[0][2]
                left_out = self._join(relaxed)
                heapq.heappop(heap)
                if left_out > self.best:
                    for child in self._branch(relaxed):
                        if child.bound > self.best:
                            heapq.heappush(heap, (-min(child.bound, left_out), next(number), child))
        except _OutOfTimeError:
            self.bound = max(self.bound, self.best)
            return
        self.bound, self.proved = self.best, True

    def _look(self) -> None:
        if self._clock() >= self._end:
            raise _OutOfTimeError

    def _by_number(self) -> Iterator[_Relaxed]:
        """A relaxed node for each number of proposals that could be best, the most hopeful first.

        Any prices bound the sets of every number, so most numbers are ruled out by the prices of their neighbours.
        """
        bounds = self._bounds(_Pricing(self.items, None, self.ceilings).prices())
        waiting = set(range(len(bounds)))
        while waiting:
            self.bound = max(bounds)
            take = max(waiting, key=bounds.__getitem__)
            if bounds[take] <= self.best:
                return
            waiting.remove(take)
            relaxed = self._relax(_Node(self.items, take, 0, 0, 0))
            if relaxed is None:
                bounds[take] = 0
            else:
                bounds = [min(pair) for pair in zip(bounds, self._bounds(relaxed.prices), strict=True)]
                if relaxed.bound > self.best:
                    yield relaxed

    def _bounds(self, prices: tuple[int, int]) -> list[int]:
        """What these prices say of the best set of each number of proposals, from none to all."""
        gains = sorted(each.worth - prices[0] * each.labour - prices[1] * each.other for each in self.items)
        start = prices[0] * self.ceilings[0] + prices[1] * self.ceilings[1]
        return list(accumulate(reversed(gains), initial=start))

    def _relax(self, node: _Node) -> _Relaxed | None:
        """The node under its best prices; None when nothing of it fits. Tries a set that follows the prices too."""
        self._look()
        room = (self.ceilings[0] - node.labour, self.ceilings[1] - node.other)
        if min(room) < 0 or not 0 <= node.take <= len(node.free):
            return None
        for sizes, left in zip(zip(*((i.labour, i.other) for i in node.free), strict=True), room, strict=False):
            if sum(sorted(sizes)[: node.take]) > left:
                return None
        prices = _Pricing(node.free, node.take, room).prices(self.best - node.worth)
        priced = sorted(
            ((each.worth - prices[0] * each.labour - prices[1] * each.other, each) for each in node.free),
            key=lambda pair: -pair[0],
        )
        chosen, rest = priced[: node.take], priced[node.take :]
        beside = [gain for gain, _ in (*chosen[-1:], *rest[:1])]
        edge = sum(beside) // max(1, len(beside))
        losses = [(gain - edge, -1, each) for gain, each in chosen] + [(edge - gain, 1, each) for gain, each in rest]
        losses.sort(key=lambda loss: loss[0])
        self._follow(node, priced)
        return _Relaxed(
            node=node,
            bound=node.worth + prices[0] * room[0] + prices[1] * room[1] + sum(gain for gain, _ in chosen),
            prices=prices,
            chosen=tuple(each for _, each in chosen),
            losses=tuple(losses),
        )

    def _follow(self, node: _Node, priced: Sequence[tuple[int, Item]]) -> None:
        worth, labour, other = node.worth, self.ceilings[0] - node.labour, self.ceilings[1] - node.other
        for _, each in priced:
            if each.labour <= labour and each.other <= other and each.worth > 0:
                worth, labour, other = worth + each.worth, labour - each.labour, other - each.other
        self.best = max(self.best, worth)

    def _branch(self, relaxed: _Relaxed) -> Iterable[_Relaxed]:
        """The node with and without the item that departs most cheaply for its size."""
        node = relaxed.node
        edge = [each for _, _, each in relaxed.losses[:EDGE]]
        pick = max(edge, key=lambda each: each.labour * relaxed.prices[0] + each.other * relaxed.prices[1])
        free = tuple(each for each in node.free if each is not pick)
        without = _Node(free, node.take, node.worth, node.labour, node.other)
        having = _Node(free, node.take - 1, node.worth + pick.worth, node.labour + pick.labour, node.other + pick.other)
        return [found for each in (without, having) if (found := self._relax(each)) is not None]

    def _join(self, relaxed: _Relaxed) -> int:
        """Find the best set of the node among departures that lose little. The worth that what was left out can reach.

        That is no more than ``best`` when nothing was left out.
        """
        budget = relaxed.bound - self.best
        packing = _Packing(relaxed.node.free)
        losses = [loss for loss in relaxed.losses if loss[0] < budget]
        one, budget = self._departures(losses[::2], packing, budget)
        two, budget = self._departures(losses[1::2], packing, budget)
        whole = budget == relaxed.bound - self.best
        self._match(relaxed, packing, one, two, budget)
        return self.best if whole else relaxed.bound - budget

    def _try_core(self, relaxed: _Relaxed) -> None:
        budget = relaxed.bound - self.best
        packing = _Packing(relaxed.node.free)
        losses = [loss for loss in relaxed.losses[:CORE] if loss[0] < budget]
        one, _ = self._departures(losses[::2], packing, budget)
        two, _ = self._departures(losses[1::2], packing, budget)
        self._match(relaxed, packing, one, two, budget)

    def _departures(
        self, half: Sequence[tuple[int, int, Item]], packing: "_Packing", budget: int
    ) -> tuple[dict[int, int], int]:
        """What a half can do: packed change of money and number → the least loss, all below the budget returned."""
        found = {packing.nothing: 0}
        for loss, sign, item in reversed(half):
            self._look()
            step = sign * packing.of(item)
            for key, lost in list(found.items()):
                now = lost + loss
                if now < budget and now < found.get(key + step, budget):
                    found[key + step] = now
            if len(found) > LONGEST_LIST:
                budget = sorted(found.values())[LONGEST_LIST // 2]
                found = {key: lost for key, lost in found.items() if lost < budget}
        return found, budget

    def _match(
        self, relaxed: _Relaxed, packing: "_Packing", one: Mapping[int, int], two: Mapping[int, int], budget: int
    ) -> None:
        """Join the halves where number and money fit. A set may leave no more unspent than its loss allows."""
        node, (price, other_price) = relaxed.node, relaxed.prices
        labour = self.ceilings[0] - node.labour - sum(each.labour for each in relaxed.chosen)
        other = self.ceilings[1] - node.other - sum(each.other for each in relaxed.chosen)
        cell = budget // price + 1 if price else 2 * packing.most + 1
        other_cell = budget // other_price + 1 if other_price else 2 * packing.most + 1
        grid: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
        for key, lost in sorted(two.items(), key=lambda pair: pair[1]):
            if lost < budget:
                number, used, other_used = packing.read(key)
                grid.setdefault((number, used // cell, other_used // other_cell), []).append((lost, used, other_used))
        best = budget
        for turn, (key, lost) in enumerate(sorted(one.items(), key=lambda pair: pair[1])):
            if turn % LOOK_EVERY == 0:
                self._look()
            if lost >= best:
                break
            number, used, other_used = packing.read(key)
            room, other_room = labour - used, other - other_used
            first, other_first = min(room, packing.most) // cell, min(other_room, packing.most) // other_cell
            for place in (
                (first, other_first),
                (first - 1, other_first),
                (first, other_first - 1),
                (first - 1, other_first - 1),
            ):
                for also, used_too, other_too in grid.get((-number, *place), ()):
                    if lost + also >= best:
                        break
                    if used_too <= room and other_too <= other_room:
                        whole = lost + also + price * (room - used_too) + other_price * (other_room - other_too)
                        if whole < best:
                            best = whole
                            self.best = max(self.best, relaxed.bound - best)


class _Packing:
    """Number, labour and non-labour of a change in one whole number, so that changes add up by adding."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.most = max(1, sum(each.labour + each.other for each in items))
        self._number, self._bits = (2 * len(items) + 1).bit_length(), (2 * self.most + 1).bit_length()
        self._items = len(items)
        self.nothing = self._pack(self._items, self.most, self.most)

    def _pack(self, number: int, labour: int, other: int) -> int:
        return (labour << self._bits | other) << self._number | number

    def of(self, item: Item) -> int:
        return self._pack(1, item.labour, item.other)

    def read(self, key: int) -> tuple[int, int, int]:
        """(number, labour, non-labour), each may be below nought."""
        money = key >> self._number
        return (
            (key & (1 << self._number) - 1) - self._items,
            (money >> self._bits) - self.most,
            (money & (1 << self._bits) - 1) - self.most,
        )


class _Pricing:
    """The search for prices that make small the bound of taking so many of the free items; None: any number.

    In floating point: any prices from nought up give a bound. The labour price is found by halving, and for each the
    other price that belongs to it; the least bound seen counts.
    """

    def __init__(self, free: Sequence[Item], take: int | None, room: tuple[int, int]) -> None:
        self._largest = max(1, max((each.worth for each in free), default=1))
        self._worths = [each.worth / self._largest for each in free]
        self._labour = [float(each.labour) for each in free]
        self._other = [float(each.other) for each in free]
        self._take, self._room = take, room
        self._least = (math.inf, 0.0, 0.0)

    def prices(self, enough: int = 0) -> tuple[int, int]:
        """Worth per penny of labour and of the rest. A bound below ``enough`` ends the search: the node is no use."""
        stop = enough / self._largest
        low, high = 0.0, 1.0 / max(1, self._room[0])
        if self._left_of_labour(low) < 0:
            for _ in range(WIDENINGS):
                if self._least[0] < stop or self._left_of_labour(high) >= 0:
                    break
                low, high = high, high * 4
            for _ in range(STEPS):
                if self._least[0] < stop:
                    break
                middle = (low + high) / 2
                low, high = (middle, high) if self._left_of_labour(middle) < 0 else (low, middle)
        _, labour, other = self._least
        return int(Fraction(labour) * self._largest), int(Fraction(other) * self._largest)

    def _left_of_labour(self, price: float) -> float:
        """At this price, under the other price that belongs to it."""
        rates = [worth - price * size for worth, size in zip(self._worths, self._labour, strict=True)]
        low, high = 0.0, 1.0 / max(1, self._room[1])
        at_low = at_high = self._left(rates, price, low)
        if at_low[1] >= 0:
            return at_low[0]
        for _ in range(STEPS):
            at_high = self._left(rates, price, high)
            if at_high[1] >= 0:
                break
            low, at_low, high = high, at_high, high * 4
        for _ in range(STEPS):
            middle = (low + high) / 2
            at_middle = self._left(rates, price, middle)
            if at_middle[1] < 0:
                low, at_low = middle, at_middle
            else:
                high, at_high = middle, at_middle
        part = at_high[1] / (at_high[1] - at_low[1]) if at_high[1] > at_low[1] else 0.0
        return part * at_low[0] + (1 - part) * at_high[0]

    def _left(self, rates: Sequence[float], price: float, other_price: float) -> tuple[float, float]:
        """What the priced choice leaves of labour and of the rest."""
        gains = [rate - other_price * size for rate, size in zip(rates, self._other, strict=True)]
        chosen = sorted(range(len(gains)), key=gains.__getitem__, reverse=True)[: self._take]
        if self._take is None:
            chosen = [i for i in chosen if gains[i] > 0]
        bound = price * self._room[0] + other_price * self._room[1] + sum(gains[i] for i in chosen)
        if bound < self._least[0]:
            self._least = (bound, price, other_price)
        return self._room[0] - sum(self._labour[i] for i in chosen), self._room[1] - sum(self._other[i] for i in chosen)
