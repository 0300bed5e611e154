"use strict";
const slider = document.getElementById("slice"), now = document.getElementById("now");
const figures = [...document.querySelectorAll("figure")];
const bars = [...document.querySelectorAll("#bars rect")];
const show = () => {
  const at = slider.value - 1;
  figures.forEach((figure, slice) => { figure.hidden = slice !== at; });
  bars.forEach((bar, slice) => bar.classList.toggle("now", slice === at));
  const said = figures[at].querySelector("figcaption").textContent;
  now.textContent = `${slider.value} of ${slider.max}`;
  slider.setAttribute("aria-valuetext", said);
};
document.getElementById("controls").hidden = false;
slider.addEventListener("input", show);
show();
