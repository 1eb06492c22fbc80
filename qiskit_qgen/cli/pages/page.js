(() => {
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  document.getElementById("theme").onclick = () => { root.dataset.theme = isDark() ? "light" : "dark"; };
  const slider = document.getElementById("slider");
  if (!slider) return;
  const frames = [...document.querySelectorAll("#frames .stack img")];
  const play = document.getElementById("play");
  let timer = null;
  const show = (place) => {
    frames.forEach((frame, index) => { frame.hidden = index !== place; });
    document.getElementById("step").textContent = frames[place].dataset.label;
    slider.value = place;
  };
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "▶"; };
  slider.oninput = () => { stop(); show(Number(slider.value)); };
  play.onclick = () => {
    if (timer) { stop(); return; }
    play.textContent = "❚❚";
    let place = Number(slider.value) === frames.length - 1 ? -1 : Number(slider.value);
    timer = setInterval(() => { place += 1; show(place); if (place === frames.length - 1) stop(); }, 350);
  };
})();
