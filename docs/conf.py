"""How the documentation is built: ``make docs``. It needs no network, and any warning is an error."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from qiskit_qgen import __version__  # noqa: E402

project = "qiskit_qgen"
author = "The qiskit_qgen developers"
copyright = author  # noqa: A001
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_nb",
    "qiskit_sphinx_theme",
    "mathml",
    "generate_api",
]
exclude_patterns = ["_build", "generated/settings_tables.md"]  # the second is included in a page
# A public name of this package that does not exist is a warning. Names of other packages are not looked up; private
# names, and those that only the module that defines them has, appear in type hints alone.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!qiskit_qgen\b).*|.*\._.*|qiskit_qgen\.\w+\.[a-z]\w*\..*")]
default_role = "code"

html_theme = "qiskit-ecosystem"
html_title = f"{project} {version}"
html_copy_source = False
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["style.css"]
pygments_style = "friendly"

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
toc_object_entries = False

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks are committed executed, and executed again by `make tutorials`
nb_merge_streams = True
