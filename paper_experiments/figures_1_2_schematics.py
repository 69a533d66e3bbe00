"""Figures 1 and 2 of Putzky and Welling (2017), in a design of our own.

    python paper_experiments/figures_1_2_schematics.py

draws how MAP inference (equation 3) becomes the RIM (equations 6 and 7), `figure1.png`,
and the RIM unrolled over t with the inside of its network for a grey image of 320 x 480
pixels, `figure2.png`. It needs no data, weights or Keras, and takes a second. Blue is
what belongs to the observation, grey what is chosen or learned once for all of them.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib import patches
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_experiments.common.run import Run, start_script

_BLUE, _GRAY = "#bcd6f0", "#dedede"
_HEIGHT, _WIDTH = 320, 480
_FONT_SIZE = 10
_UNROLLED = 3

Point = tuple[float, float]


class Layer(NamedTuple):
    """A layer of the network.

    Attributes:
      name: As the cell calls it.
      text: What it is.
      inputs: Channels that its kernels see.
      outputs: Channels of its result.
      kernels: How many convolutions it has: a ConvGRU three, two gates and the
        candidate.
      scale: By what its result is smaller than the image.
    """

    name: str
    text: str
    inputs: int
    outputs: int
    kernels: int
    scale: int

    @property
    def num_parameters(self) -> int:
        """Number of weights and biases."""
        return self.kernels * (3 * 3 * self.inputs + 1) * self.outputs

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the result."""
        return _HEIGHT // self.scale, _WIDTH // self.scale, self.outputs


LAYERS = (
    Layer("encode", "convolution 3 x 3\nstride 2, tanh", 2, 64, 1, 2),
    Layer("recurrent", "ConvGRU 3 x 3\n256 features", 64 + 256, 256, 3, 2),
    Layer("decode", "transposed conv. 3 x 3\nstride 2, tanh", 256, 64, 1, 1),
    Layer("update", "convolution 3 x 3", 64, 1, 1, 1),
)


class _Sketch:
    """A figure to draw on in inches, from its bottom left corner."""

    def __init__(self, width: float, height: float):
        self.figure = Figure((width, height))
        self._axis: Axes = self.figure.add_axes((0, 0, 1, 1))
        self._axis.set(xlim=(0, width), ylim=(0, height))
        self._axis.set_axis_off()

    def text(self, at: Point, text: str, **how: Any) -> None:
        how = {"ha": "center", "va": "center", "fontsize": _FONT_SIZE, **how}
        self._axis.text(*at, text, zorder=4, **how)

    def box(
        self, at: Point, text: str, color: str, size: Point = (1.25, 0.6), **how: Any
    ) -> None:
        """Draws a box around a point, and a text in it."""
        corner = at[0] - size[0] / 2, at[1] - size[1] / 2
        self._add(patches.Rectangle(corner, *size), color)
        self.text(at, text, **how)

    def node(self, at: Point, text: str, color: str = "white") -> None:
        """Draws a circle: a variable."""
        self._add(patches.Circle(at, 0.24), color)
        self.text(at, text)

    def arrow(self, *points: Point, dashed: bool = False) -> None:
        """Draws a line along points with a head at its end; dashed, at both ends."""
        self._axis.plot(*zip(*points[:-1], strict=True), color="black", linewidth=0.9)
        how = {"color": "black", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
        how |= {"arrowstyle": "<|-|>" if dashed else "-|>"}
        how |= {"linestyle": "--" if dashed else "-"}
        self._axis.annotate("", points[-1], points[-2], arrowprops=how)

    def _add(self, patch: patches.Patch, color: str) -> None:
        # In front of the lines, which run to their middles.
        patch.set(facecolor=color, edgecolor="black", linewidth=0.8, zorder=3)
        self._axis.add_patch(patch)


def draw_figure1() -> Figure:
    """Draws MAP inference, a learned update, and the RIM, side by side."""
    sketch = _Sketch(13.2, 4.1)
    gradient = r"\nabla_{y|x_t}"
    titles = {
        "A  MAP inference, equation 3": r"$x_{t+1} = x_t + \gamma_t \nabla "
        r"[\log p(y|x) + \log p_\theta(x)](x_t)$",
        "B  a learned update, equation 4": rf"$x_{{t+1}} = x_t + g_\phi({gradient}, "
        r"x_t)$",
        "C  the RIM, equations 6 and 7": rf"$s_{{t+1}} = h^*_\phi({gradient}, x_t, "
        rf"s_t)$,   $x_{{t+1}} = x_t + h_\phi({gradient}, x_t, s_{{t+1}})$",
    }
    for number, (title, formula) in enumerate(titles.items()):
        left = 4.4 * number
        sketch.text((left + 0.2, 3.9), title, ha="left", weight="bold")
        sketch.text((left + 2.2, 0.55), formula)
    sketch.text(
        (6.6, 0.15),
        "blue: of the observation and its forward model; "
        "grey: the same for all observations, chosen (A) or learned (B, C)",
    )
    _draw_loop(sketch, 0, r"step size $\gamma_t$")
    sketch.arrow((0.5, 1.6), (1.22, 1.6))
    sketch.box((1.85, 1.6), r"$\nabla \log p_\theta(x_t)$" + "\nprior", _GRAY)
    _draw_loop(sketch, 4.4, r"network $g_\phi$")
    _draw_loop(sketch, 8.8, r"network $h_\phi$")
    # Only the RIM has a memory, and is told of the true image in training.
    sketch.arrow((12.1, 2.9), (12.1, 3.3), (11.7, 3.3), (11.7, 2.9))
    sketch.text((11.9, 3.45), "memory $s_t$")
    sketch.node((12.85, 3.25), "$x$")
    sketch.arrow((12.85, 2.34), (12.85, 3.01), dashed=True)
    sketch.text((12.8, 2.7), "training", ha="right", fontsize=8)
    return sketch.figure


def _draw_loop(sketch: _Sketch, left: float, update: str) -> None:
    """Draws what the panels of Figure 1 share: estimate, likelihood, update."""
    estimate, later = left + 0.5, left + 4.05
    for height in (2.6, 1.6):
        sketch.arrow((estimate, 2.1), (estimate, height), (left + 2.7, height))
    sketch.arrow((estimate, 2.6), (left + 1.22, 2.6))
    sketch.arrow((left + 1.85, 3.21), (left + 1.85, 2.9))
    sketch.arrow((left + 3.5, 2.1), (later - 0.24, 2.1))
    sketch.arrow((later, 2.1), (later, 1.0), (estimate, 1.0), (estimate, 1.86))
    sketch.text((left + 2.3, 1.13), "$t \\leftarrow t + 1$")
    sketch.node((estimate, 2.1), "$x_t$")
    sketch.node((later, 2.1), "$x_{t+1}$")
    sketch.node((left + 1.85, 3.45), "$y$", _BLUE)
    sketch.box((left + 1.85, 2.6), r"$\nabla \log p(y|x_t)$" + "\nlikelihood", _BLUE)
    sketch.box((left + 3.1, 2.1), update, _GRAY, (0.8, 1.6), rotation=90)


def draw_figure2() -> Figure:
    """Draws the RIM unrolled over t, and the inside of its network."""
    sketch = _Sketch(13.2, 6.5)
    how = {"ha": "left", "weight": "bold"}
    sketch.text(
        (0.2, 6.3),
        "The RIM unrolled over t (in training up to 20, with a loss to the true x)",
        **how,
    )
    for t in range(_UNROLLED):
        _draw_step(sketch, 0.6 + 3.9 * t, t)
    _draw_estimate(sketch, 0.6 + 3.9 * _UNROLLED, _UNROLLED)
    sketch.text((12.85, 3.9), r"$\cdots$", fontsize=14)
    sketch.text(
        (0.2, 2.45),
        rf"The network $h_\phi$ for a grey image of {_HEIGHT} x {_WIDTH} pixels: "
        f"{sum(layer.num_parameters for layer in LAYERS):,} parameters",
        **how,
    )
    shapes = [(_HEIGHT, _WIDTH, LAYERS[0].inputs), *(layer.shape for layer in LAYERS)]
    names = (r"$x_t$ and $\nabla_{y|x_t}$", "", "$s_{t+1}$", "", r"$x_{t+1} - x_t$")
    for number, (shape, name) in enumerate(zip(shapes, names, strict=True)):
        _draw_tensor(sketch, 0.75 + 2.925 * number, shape, name)
    for number, layer in enumerate(LAYERS):
        middle = 2.2125 + 2.925 * number
        text = f"{layer.text}\n{layer.num_parameters:,} parameters"
        sketch.arrow((middle - 1.16, 1.35), (middle - 0.9, 1.35))
        sketch.box((middle, 1.35), text, _GRAY, (1.8, 0.85))
        sketch.arrow((middle + 0.9, 1.35), (middle + 1.16, 1.35))
    state, network = 0.75 + 2.925 * 2, 2.2125 + 2.925
    sketch.arrow((state, 1.5), (state, 2.1), (network, 2.1), (network, 1.78))
    sketch.text((state + 0.1, 2.1), "memory, for the next step", ha="left")
    sketch.text(
        (6.6, 0.12),
        r"More exactly: the RIM iterates on $\eta$, $x = \Psi(\eta)$ with $\Psi$ the "
        r"logistic sigmoid; $\epsilon$ of the likelihood's gradient (equation 9) is "
        "one parameter more.",
        fontsize=9,
    )
    return sketch.figure


def _draw_step(sketch: _Sketch, left: float, t: int) -> None:
    """Draws an estimate x_t, and what makes x_{t+1} of it."""
    network = left + 1.95
    sketch.arrow((left, 3.9), (left, 5.8), (network - 0.63, 5.8))
    sketch.arrow((network, 5.5), (network, 5.17))
    sketch.arrow((left, 3.9), (network - 0.3, 3.9), (network - 0.3, 4.53))
    right = network + 0.3
    sketch.arrow((right, 4.53), (right, 3.9), (left + 3.9 - 0.24, 3.9))
    sketch.arrow((network + 0.62, 4.85), (min(network + 3.28, 12.95), 4.85))
    sketch.text((network + 1.2, 4.98), f"$s_{t + 1}$")
    sketch.box((network, 5.8), rf"$\nabla \log p(y|x_{t})$" + "\nlikelihood", _BLUE)
    sketch.box((network, 4.85), r"network $h_\phi$", _GRAY)
    _draw_estimate(sketch, left, t)


def _draw_estimate(sketch: _Sketch, left: float, t: int) -> None:
    if t > 0:
        sketch.arrow((left, 3.66), (left, 3.26), dashed=True)
        sketch.text((left + 0.1, 3.46), "loss", ha="left", fontsize=9)
        sketch.node((left, 3.02), "$x$")
    sketch.node((left, 3.9), f"$x_{t}$")


def _draw_tensor(
    sketch: _Sketch, middle: float, shape: tuple[int, int, int], name: str
) -> None:
    """Draws a slab as high as the image, and the broader the more channels it has."""
    height, width, channels = shape
    size = 0.06 + 0.05 * math.log2(channels), 0.75 * height / _HEIGHT
    sketch.box((middle, 1.35), "", "white", size)
    sketch.text((middle, 0.72), f"{height} x {width} x {channels}", fontsize=9)
    sketch.text((middle, 0.47), name)


def main(run: Run, _: Sequence[str]) -> None:
    for name, draw in {
        "figure1.png": draw_figure1,
        "figure2.png": draw_figure2,
    }.items():
        draw().savefig(run.output_dir / name, dpi=150)
        print(f"Wrote {run.output_dir / name}.")


if __name__ == "__main__":
    start_script(main, lambda *_: None, needs_keras=False)
