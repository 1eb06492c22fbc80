"""Draws docs/static/simulator.svg: what the built-in simulator does to a circuit: ``python docs/draw_simulator.py``."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

DARK, START, MIDDLE, END = "#21313f", "#dcebd9", "#e8eef3", "#f6e6cf"
WIRES = (26, 21, 16, 11)
LINE = {"color": DARK, "linewidth": 0.8, "zorder": 0}


def draw_layer(ax, x, color):
    for y in WIRES:
        for place, text in ((x, "RY"), (x + 5, "RZ")):
            ax.add_patch(Rectangle((place - 2, y - 1.6), 4, 3.2, facecolor=color, edgecolor=DARK, linewidth=0.8))
            ax.text(place, y, text, ha="center", va="center", fontsize=7.5)


def draw_ring(ax, x):
    for i, control in enumerate(WIRES):
        target, place = WIRES[(i + 1) % 4], x + 2.2 * i
        ax.plot([place, place], [control, target], **LINE)
        ax.plot(place, control, "o", markersize=3, color=DARK)
        ax.plot(place, target, "o", markersize=6, markerfacecolor="white", markeredgecolor=DARK, markeredgewidth=0.8)
        ax.plot(place, target, "+", markersize=6, color=DARK, markeredgewidth=0.8)


def main():
    plt.rcParams |= {"svg.fonttype": "none", "font.size": 9, "svg.hashsalt": "simulator"}
    figure, ax = plt.subplots(figsize=(9.5, 3.3))
    ax.set(xlim=(0, 95), ylim=(0, 33))
    ax.axis("off")
    for y in WIRES:
        ax.plot([6, 87], [y, y], **LINE)
        ax.text(5, y, "|0⟩", ha="right", va="center")
        ax.text(88, y, "⟨X⟩, ⟨Z⟩", va="center")
    for x, color in ((10, START), (32, MIDDLE), (54, MIDDLE), (76, END)):
        draw_layer(ax, x, color)
    for x in (20, 42, 63.5):
        draw_ring(ax, x)
    for left, right in ((7, 18), (29, 62), (73, 84)):
        ax.add_patch(
            Rectangle((left, 8.4), right - left, 20.2, fill=False, edgecolor=DARK, linewidth=0.6, linestyle=":")
        )
    for x, title, text in (
        (12.5, "product of one-qubit states", "written once;\nderivatives by contraction"),
        (
            45.5,
            "blocks on the state",
            "RY: (a - t b, b + t a), three qubits at a time;\nall RZ, and the cosines: one diagonal",
        ),
        (80, "turns the observables", "⟨X⟩, ⟨Y⟩, ⟨Z⟩ measured before it,\nthen three numbers turn"),
    ):
        ax.text(x, 31, title, ha="center", weight="bold")
        ax.text(x, 5.5, text, ha="center", va="center")
    ax.text(20, 1, "CX: other names of the rows, no work", color="#555555")
    figure.subplots_adjust(0, 0, 1, 1)
    figure.savefig(Path(__file__).parent / "static" / "simulator.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
