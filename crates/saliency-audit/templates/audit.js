"use strict";
const at = (id) => document.getElementById(id);
const list = at("photos"), photos = list ? [...list.children] : [];
const tiles = [...document.querySelectorAll("[data-show]")];
// Whether a large value comes first.
const largest = { border: true, half: true, error: true };

const arrange = () => {
  const key = at("sort").value, show = at("show").value, of = at("class").value;
  const value = (photo) => photo.dataset[key] === "" ? NaN : Number(photo.dataset[key]);
  const order = (a, b) => {
    const [x, y] = [value(a), value(b)], sign = largest[key] ? -1 : 1;
    // What has no value comes last; then, as what is alike, in the order of the page.
    return Number.isNaN(x) - Number.isNaN(y) || sign * (x - y) || a.place - b.place;
  };
  let count = 0;
  for (const photo of photos.slice().sort(order)) {
    const wanted = (!show || photo.dataset.concerns.split(" ").includes(show)) && (!of || photo.dataset.class === of);
    photo.hidden = !wanted;
    count += wanted;
    list.append(photo);
  }
  at("count").textContent = count + (count === 1 ? " photo" : " photos");
  at("none").hidden = count > 0;
  for (const tile of tiles) tile.setAttribute("aria-pressed", tile.dataset.show === show);
};

if (list) {
  photos.forEach((photo, place) => { photo.place = place; });
  for (const id of ["sort", "show", "class"]) {
    // What a browser remembers of an earlier visit is not what the page shows.
    at(id).selectedIndex = 0;
    at(id).addEventListener("change", arrange);
  }
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  for (const tile of tiles) {
    tile.addEventListener("click", () => {
      at("show").value = tile.dataset.show;
      at("class").value = "";
      arrange();
      at("pictures").scrollIntoView();
    });
  }
  arrange();
}
