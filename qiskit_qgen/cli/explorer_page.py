"""The page of ``qgen app``: controls at the left, the images that they describe at the right."""

from __future__ import annotations

import base64
import secrets
import time
from typing import Any

from nicegui import app, run, ui

from qiskit_qgen.cli.explorer import MOST_COMPONENTS, MOST_IMAGES, Controls, Explorer, as_npy, as_png
from qiskit_qgen.exceptions import QGenError

_LARGEST_SEED = 2**31
_STYLE = """
body { font-family: system-ui, sans-serif; }
.grid { max-height: 78vh; }
.grid img { image-rendering: pixelated; border-radius: 10px; object-fit: contain; }
.q-card { border-radius: 16px; }
"""


def serve(explorer: Explorer, title: str, *, host: str, port: int, show: bool) -> None:
    """Serve the page until the process is ended."""
    app.on_shutdown(explorer.close)
    ui.run(
        lambda: _Page(explorer, title).build(),
        host=host,
        port=port,
        title=f"{title} · qgen",
        show=show,
        dark=None,
        reload=False,
        show_welcome_message=False,
    )


class _Page:
    """What one visitor sees."""

    def __init__(self, explorer: Explorer, title: str) -> None:
        self._explorer, self._title = explorer, title
        self._controls = Controls(label=0 if explorer.labels and not explorer.has_components else None)
        self._is_drawing, self._is_stale = False, False
        self._images: Any = None

    def build(self) -> None:
        ui.add_css(_STYLE)
        ui.colors(primary="#5b4fe0", secondary="#0f9fb8")
        with ui.column().classes("w-full max-w-6xl mx-auto p-2 sm:p-6 gap-5"):
            with ui.column().classes("gap-1"):
                ui.label(type(self._explorer.model).__name__).classes(
                    "text-xs uppercase tracking-widest font-semibold text-primary"
                )
                ui.label(self._title).classes("text-4xl font-bold tracking-tight")
            with ui.row().classes("w-full gap-5 items-start"):
                with ui.card().classes("w-full md:w-80 gap-4 p-5"):
                    self._build_controls()
                with ui.card().classes("grow basis-80 min-w-0 p-5 gap-3"):
                    self._image = ui.image().classes("w-full grid").props("no-spinner no-transition fit=contain")
                    with ui.row().classes("w-full items-center"):
                        self._status = ui.label().classes("text-sm opacity-70 grow status")
                        self._download("PNG", "samples.png", as_png)
                        self._download("NumPy", "samples.npy", as_npy)
        ui.timer(0, self._draw, once=True)

    def _build_controls(self) -> None:
        explorer, controls = self._explorer, self._controls
        mode = ui.toggle({"samples": "Samples", "interpolation": "Interpolation"}, on_change=self._draw)
        mode.bind_value(controls, "mode").props("spread no-caps unelevated").classes("w-full")
        self._seed("Seed", "seed")
        self._seed("Seed of the end", "last_seed").bind_visibility_from(controls, "mode", value="interpolation")
        if explorer.labels:
            free = {} if not explorer.has_components else {None: "all"}
            chosen = ui.select({**free, **explorer.labels}, label="Class", on_change=self._draw)
            chosen.bind_value(controls, "label").classes("w-full class")
        self._slider("Images", "number", 1, MOST_IMAGES, 1)
        with ui.row().classes("w-full items-end no-wrap"):
            where = ui.select({"local": "Built-in simulator", "aer": "Qiskit Aer"}, label="Execution")
            where.bind_value(controls, "execution").classes("grow execution").on_value_change(self._draw)
            shots = ui.number("Shots", min=0, step=256, precision=0, format="%d", on_change=self._draw)
            shots.bind_value(controls, "shots", forward=lambda value: int(value or 0)).classes("w-20 shots")
            shots.bind_visibility_from(controls, "execution", value="aer").tooltip("0 computes exact values")
        if explorer.has_components:
            self._slider("Spread of the noise", "spread", 0, 2, 0.05)
            with ui.expansion("Noise, component by component").classes("w-full noise").props("dense"):
                with ui.scroll_area().classes("h-72 w-full"):
                    sliders = [self._component(k) for k in range(min(explorer.num_components, MOST_COMPONENTS))]
                ui.button("Reset", on_click=lambda: [each.set_value(0) for each in sliders]).props("flat no-caps dense")

    def _seed(self, title: str, name: str) -> Any:
        with ui.row().classes("w-full items-end no-wrap") as row:
            number = ui.number(title, min=0, max=_LARGEST_SEED, precision=0, format="%d", on_change=self._draw)
            number.bind_value(self._controls, name, forward=lambda value: int(value or 0)).classes(f"grow {name}")
            shuffle = ui.button(icon="casino", on_click=lambda: number.set_value(secrets.randbelow(10_000)))
            shuffle.props("flat round").tooltip("Another seed")
        return row

    def _slider(self, title: str, name: str, low: float, high: float, step: float) -> None:
        with ui.column().classes("w-full gap-0"):
            with ui.row().classes("w-full justify-between text-sm"):
                ui.label(title)
                ui.label().bind_text_from(self._controls, name, backward=lambda value: f"{value:g}")
            slider = ui.slider(min=low, max=high, step=step, on_change=self._draw)
            slider.bind_value(self._controls, name).classes(name).props(f'aria-label="{title}"')

    def _component(self, component: int) -> Any:
        def shift(event: Any) -> Any:
            self._controls.shifts[component] = float(event.value)
            return self._draw()

        with ui.row().classes("w-full items-center no-wrap gap-3 pr-3"):
            ui.label(f"z{component}").classes("text-xs w-6 opacity-70")
            slider = ui.slider(min=-3, max=3, step=0.1, value=0, on_change=shift).classes(f"z{component}")
            return slider.props(f'dense aria-label="Noise component {component}"')

    def _download(self, title: str, name: str, convert: Any) -> None:
        def send() -> None:
            if self._images is not None:
                ui.download.content(convert(self._images), name)

        ui.button(title, icon="download", on_click=send).props("outline no-caps dense").classes("px-3")

    async def _draw(self) -> None:
        """Draw what the controls describe; while that lasts, changes are gathered, and then the newest is drawn."""
        self._is_stale = True
        if self._is_drawing:
            return
        self._is_drawing = True
        try:
            while self._is_stale:
                self._is_stale = False
                start = time.perf_counter()
                try:
                    self._images = await run.io_bound(self._explorer.draw, self._controls)
                except QGenError as error:
                    ui.notify(str(error), type="warning", multi_line=True)
                    continue
                self._image.set_source("data:image/png;base64," + base64.b64encode(as_png(self._images)).decode())
                seconds = time.perf_counter() - start
                self._status.set_text(f"{len(self._images)} images in {seconds * 1e3:,.0f} ms")
        finally:
            self._is_drawing = False
