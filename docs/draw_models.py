"""Draws docs/static/model-*.svg, a diagram of each model: ``python docs/draw_models.py``.

The panel behind each is opaque, so that it reads on light and on dark pages.
"""

from html import escape
from pathlib import Path

INK, LINE, PANEL = "#1f2d3a", "#5b6b7a", "#f7f9fb"
PLAIN, QUANTUM, FROZEN, DATA = "#e3eaf1", "#e3d5fb", "#d5e8f7", "#f8e9cf"
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{label}"'
    ' font-family="Helvetica, Arial, sans-serif" font-size="13" text-anchor="middle" fill="{ink}">\n'
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="{line}"/></marker></defs>\n'
    '<rect width="{width}" height="{height}" rx="10" fill="{panel}"/>\n'
)


class Drawing:
    """An SVG drawing of boxes and arrows."""

    def __init__(self, width, height, label):
        self.parts = [HEAD.format(width=width, height=height, label=escape(label), ink=INK, line=LINE, panel=PANEL)]

    def box(self, x, y, width, height, title, *lines, fill=PLAIN):
        """A box with its left upper corner at (x, y)."""
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}"/>\n')
        top = y + height / 2 - 8 * len(lines) + 4.5
        self.text(x + width / 2, top, title, bold=True)
        for number, line in enumerate(lines, 1):
            self.text(x + width / 2, top + 17 * number, line)

    def text(self, x, y, text, *, bold=False, anchor="middle", size=13):
        """One line of text."""
        weight = ' font-weight="bold"' * bold
        self.parts.append(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}"{weight}>{escape(text)}</text>\n'
        )

    def arrow(self, *points, dashed=False):
        """An arrow through points."""
        path = "M" + "L".join(f"{x} {y}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' * dashed
        self.parts.append(
            f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.6"{dash} marker-end="url(#tip)"/>\n'
        )

    def circuit(self, x, y, width, *, layers=2):
        """Four wires with layers of rotations and a ring of CX."""
        wires = [y + 20 * wire for wire in range(4)]
        self.parts += [f'<path d="M{x} {at}h{width}" stroke="{LINE}"/>\n' for at in wires]
        pitch = (width - 10) / layers
        for layer in range(layers):
            left = x + 10 + layer * pitch
            self.parts += [
                f'<rect x="{left}" y="{at - 7}" width="26" height="14" fill="#ffffff" stroke="{LINE}"/>\n'
                for at in wires
            ]
            for wire, at in enumerate(wires[:-1]):
                place = left + 40 + 13 * wire
                self.parts.append(f'<path d="M{place} {at}V{at + 25}" stroke="{LINE}"/>\n')
                self.parts.append(f'<circle cx="{place}" cy="{at}" r="3" fill="{LINE}"/>\n')
                self.parts.append(f'<circle cx="{place}" cy="{at + 20}" r="5" fill="none" stroke="{LINE}"/>\n')

    def save(self, name):
        """Write the drawing to docs/static."""
        (Path(__file__).parent / "static" / name).write_text("".join([*self.parts, "</svg>\n"]), encoding="utf-8")


def style_qgan():
    """Noise, style map, circuit, latent, decoder; and the critic beside them."""
    draw = Drawing(960, 330, "StyleQGAN: noise, circuit, latent, decoder; a critic compares latents while training")
    draw.text(24, 30, "Sampling", bold=True, anchor="start")
    draw.box(24, 60, 110, 84, "Noise z", "24 numbers", "from N(0, I)", fill=DATA)
    draw.box(168, 60, 120, 84, "Style map", "angles = W z + b", "trained")
    draw.box(322, 46, 236, 112, "", fill=QUANTUM)
    draw.circuit(336, 64, 208)
    draw.text(440, 150, "Circuit: 12 qubits", bold=True)
    draw.box(592, 60, 110, 84, "Latent", "⟨X⟩ and ⟨Z⟩ of", "each qubit: 24", fill=DATA)
    draw.box(736, 60, 90, 84, "Decoder", "pretrained")
    draw.box(860, 60, 76, 84, "Image", fill=DATA)
    for left, right in ((134, 168), (288, 322), (558, 592), (702, 736), (826, 860)):
        draw.arrow((left, 102), (right - 1, 102))
    draw.text(24, 206, "Training", bold=True, anchor="start")
    draw.box(24, 226, 110, 76, "Real image", fill=DATA)
    draw.box(168, 226, 120, 76, "Encoder", "pretrained")
    draw.box(322, 226, 110, 76, "Latent", "of real images", fill=DATA)
    draw.box(592, 226, 110, 76, "Critic", "Wasserstein", "distance")
    draw.arrow((134, 264), (167, 264))
    draw.arrow((288, 264), (321, 264))
    draw.arrow((432, 264), (591, 264))
    draw.arrow((647, 144), (647, 225))
    draw.text(718, 260, "its gradient trains", anchor="start")
    draw.text(718, 277, "W and b, through the circuit", anchor="start")
    draw.save("model-style_qgan.svg")


def hybrid_gan():
    """Generator and discriminator, each with one block, and the four placements."""
    draw = Drawing(960, 330, "HybridGAN: a block in the generator and one in the discriminator, quantum or classical")
    draw.text(24, 30, "Generator", bold=True, anchor="start")
    draw.box(24, 46, 100, 76, "Noise z", "5 numbers", fill=DATA)
    draw.box(164, 46, 140, 76, "Block", "circuit or layers,", "15 parameters", fill=QUANTUM)
    draw.box(344, 46, 180, 76, "Upsampling stages", "convolutions")
    draw.box(564, 46, 100, 76, "Image", fill=DATA)
    draw.text(24, 168, "Discriminator", bold=True, anchor="start")
    draw.box(24, 184, 100, 76, "Image", "real or", "generated", fill=DATA)
    draw.box(164, 184, 140, 76, "Backbone", "EfficientNet-Lite0,", "frozen", fill=FROZEN)
    draw.box(344, 184, 180, 76, "Convolutions", "and a hidden layer")
    draw.box(564, 184, 100, 76, "Block", "the same", "two kinds", fill=QUANTUM)
    draw.box(704, 184, 90, 76, "Score", fill=DATA)
    for y, ends in (
        (84, ((124, 164), (304, 344), (524, 564))),
        (222, ((124, 164), (304, 344), (524, 564), (664, 704))),
    ):
        for left, right in ends:
            draw.arrow((left, y), (right - 1, y))
    draw.text(24, 302, "quantum_in =", bold=True, anchor="start")
    for number, (name, first, second) in enumerate(
        (
            ("none", PLAIN, PLAIN),
            ("generator", QUANTUM, PLAIN),
            ("discriminator", PLAIN, QUANTUM),
            ("both", QUANTUM, QUANTUM),
        )
    ):
        x = 130 + 200 * number
        draw.box(x, 284, 32, 26, "G", fill=first)
        draw.box(x + 36, 284, 32, 26, "D", fill=second)
        draw.text(x + 78, 302, f'"{name}"', anchor="start")
    draw.text(812, 216, "violet: quantum", anchor="start")
    draw.text(812, 234, "grey: classical", anchor="start")
    draw.save("model-hybrid_gan.svg")


def quantum_diffusion():
    """The U-Net with its bottleneck and the gate in it."""
    draw = Drawing(960, 400, "QuantumDiffusion: a U-Net whose bottleneck is scaled by a circuit")
    draw.box(24, 40, 110, 62, "Noisy image", "and its step t", fill=DATA)
    levels = ((170, 40, "28 x 28", "32 maps"), (240, 130, "14 x 14", "64 maps"), (310, 220, "7 x 7", "128 maps"))
    for x, y, size, maps in levels:
        draw.box(x, y, 110, 62, size, maps)
    for x, y, size, maps in ((690, 40, "28 x 28", "32 maps"), (620, 130, "14 x 14", "64 maps")):
        draw.box(x, y, 110, 62, size, maps)
    draw.box(826, 40, 110, 62, "Noise", "in the image", fill=DATA)
    draw.box(560, 220, 110, 62, "7 x 7", "scaled maps")
    draw.arrow((134, 71), (169, 71))
    draw.arrow((225, 102), (225, 161), (239, 161))
    draw.arrow((295, 192), (295, 251), (309, 251))
    draw.arrow((670, 251), (685, 251), (685, 193))
    draw.arrow((730, 161), (745, 161), (745, 103))
    draw.arrow((800, 71), (825, 71))
    draw.arrow((280, 71), (689, 71), dashed=True)
    draw.arrow((350, 161), (619, 161), dashed=True)
    draw.text(485, 62, "skip")
    draw.text(485, 152, "skip")
    draw.arrow((420, 251), (559, 251))
    draw.text(490, 242, "times 1 + g")
    draw.box(150, 312, 130, 62, "Means", "of the 128 maps", fill=DATA)
    draw.box(310, 312, 90, 62, "Linear", "128 to 16")
    draw.box(430, 312, 120, 62, "Circuit", "16 qubits", fill=QUANTUM)
    draw.box(580, 312, 90, 62, "Linear", "16 to 128")
    draw.box(700, 312, 130, 62, "g", "one factor a map", fill=DATA)
    draw.arrow((340, 282), (340, 297), (215, 297), (215, 311))
    for left, right in ((280, 310), (400, 430), (550, 580), (670, 700)):
        draw.arrow((left, 343), (right - 1, 343))
    draw.arrow((765, 312), (765, 297), (490, 297), (490, 258))
    draw.save("model-quantum_diffusion.svg")


if __name__ == "__main__":
    style_qgan()
    hybrid_gan()
    quantum_diffusion()
