"""The code of docs/own_circuits.md runs as it stands."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "own_circuits.md").read_text(encoding="utf-8")


def test_the_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block.replace("StyleQGAN(image_shape", "StyleQGAN(autoencoder_width=4, image_shape"), names)  # noqa: S102
    out = capsys.readouterr().out
    assert "(('XXII', 0.5), ('IIXX', 0.5))" in out
    assert "quantum block of 4 parameters" in out
