"""Cost curves as plain SVG: four panels, logarithmic both ways."""

import math

MB = 1_000_000
COLOURS = {"first": "#b5451b", "unchanged": "#2a6f4e", "one change": "#2b5d9b"}
WIDTH, HEIGHT, LEFT, TOP = 400, 240, 70, 40


def decades(values):
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def label(value):
    if value >= 1:
        return f"{value:,.0f}"
    return f"{value:.{round(-math.log10(value))}f}"


class Panel:
    def __init__(self, number, title, x_name, y_name, lines):
        self.left = LEFT + number % 2 * (WIDTH + LEFT + 20)
        self.top = TOP + number // 2 * (HEIGHT + 80)
        self.title, self.x_name, self.y_name, self.lines = title, x_name, y_name, lines
        points = [p for line in lines.values() for p in line]
        self.x_span = decades([x for x, _ in points])
        self.y_span = decades([y for _, y in points])

    def x(self, value):
        low, high = self.x_span
        return self.left + (math.log10(value) - low) / (high - low) * WIDTH

    def y(self, value):
        low, high = self.y_span
        return self.top + HEIGHT - (math.log10(value) - low) / (high - low) * HEIGHT

    def text(self, x, y, words, anchor="middle", more=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{words}</text>'

    def grid(self):
        right, bottom = self.left + WIDTH, self.top + HEIGHT
        for power in range(self.x_span[0], self.x_span[1] + 1):
            x = self.x(10.0 ** power)
            yield f'<path class="grid" d="M{x:.1f} {self.top}V{bottom}"/>'
            yield self.text(x, bottom + 16, label(10.0 ** power))
        for power in range(self.y_span[0], self.y_span[1] + 1):
            y = self.y(10.0 ** power)
            yield f'<path class="grid" d="M{self.left} {y:.1f}H{right}"/>'
            yield self.text(self.left - 6, y + 4, label(10.0 ** power), "end")

    def svg(self):
        yield self.text(self.left + WIDTH / 2, self.top - 12, self.title, more=' font-weight="bold"')
        yield from self.grid()
        yield self.text(self.left + WIDTH / 2, self.top + HEIGHT + 34, self.x_name)
        yield self.text(self.left + 6, self.top + 14, self.y_name, "start")
        for name, points in self.lines.items():
            colour = COLOURS[name]
            path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            for x, y in points:
                yield f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" fill="{colour}"/>'


def lines(points, value):
    result = {}
    for x, kinds in points:
        for kind, measured in kinds.items():
            if measured.median is not None:
                result.setdefault(kind, []).append((x, value(measured)))
    return result


def curves(counts, sizes):
    """@counts and @sizes: pairs of a number and {kind: Result}."""
    def time(result):
        return result.median

    def memory(result):
        return result.peak / MB
    panels = [
        Panel(0, "Time by number of assets", "assets of 4 KB", "seconds", lines(counts, time)),
        Panel(1, "Time by size", "MB of mixed content", "seconds", lines(sizes, time)),
        Panel(2, "Memory by number of assets", "assets of 4 KB", "MB, peak", lines(counts, memory)),
        Panel(3, "Memory by size", "MB of mixed content", "MB, peak", lines(sizes, memory)),
    ]
    width, height = 2 * (WIDTH + LEFT) + 50, 2 * (HEIGHT + 80) + 60
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           'font-family="sans-serif" font-size="12">',
           "<style>.grid { stroke: #ddd } text { fill: #333 }</style>", f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for panel in panels:
        out += panel.svg()
    for i, (name, colour) in enumerate(COLOURS.items()):
        x, y = LEFT + 120 * i, height - 20
        out.append(f'<path d="M{x} {y - 4}h24" stroke="{colour}" stroke-width="2"/><text x="{x + 30}" y="{y}">{name}</text>')
    return "\n".join(out) + "\n</svg>\n"
