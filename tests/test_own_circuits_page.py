"""The code of docs/own_circuits.md runs as it stands."""

from tests.pages import read_page, run_blocks


def test_the_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_blocks(read_page("own_circuits.md"), {"StyleQGAN(image_shape": "StyleQGAN(autoencoder_width=4, image_shape"})
    out = capsys.readouterr().out
    assert "(('XXII', 0.5), ('IIXX', 0.5))" in out
    assert "quantum block of 4 parameters" in out
