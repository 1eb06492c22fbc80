"""Equations as MathML, which browsers draw themselves: pages show them without a script and without a network."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

_LOGGER = logging.getLogger(__name__)


def _mathml(node, display):
    """Return the MathML of a math node; what the converter does not know is a warning."""
    text = convert(node.astext(), display=display)
    if "\\" in text or "<mi>&</mi>" in text:
        _LOGGER.warning("The equation %r holds a command without a MathML form.", node.astext(), location=node)
    return text


def visit_math(translator, node):
    translator.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def visit_displaymath(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(_mathml(node, "block") + "</div>")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
