// Ages that grow while nothing new arrives, the clock of each window, and the login by a link.
(() => {
  "use strict";
  const LOST_MS = 12000; // six readings; then what is on the page is old
  let seen = null; // when the newest reading came, on a clock that does not jump

  const enter = () => { // a link whose code stands behind the #, opened or pasted over this page
    const code = location.hash.slice(1), login = document.getElementById("login");
    if (!login || !code) return;
    history.replaceState(null, "", location.pathname);
    document.getElementById("code").value = code;
    login.submit();
  };
  addEventListener("hashchange", enter);
  enter();

  const words = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    for (const [length, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
      if (s >= 2 * length) return `${Math.floor(s / length)} ${unit}`;
    }
    return `${s} s`;
  };
  const clock = (ms) => new Date(ms).toISOString().slice(11, 19);
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  const look = () => {
    const pulse = document.getElementById("pulse");
    if (!pulse) return;
    const now = Number(pulse.dataset.now);
    if (!seen || seen.now !== now) seen = { now, at: performance.now() };
    const passed = performance.now() - seen.at;
    const lost = passed > LOST_MS;
    document.body.classList.toggle("lost", lost);
    const said = document.getElementById("lost");
    if (said) write(said, lost ? `Nothing new since ${clock(now)} UTC: the console or the way to it is down. What you see is old.` : "");
    for (const element of document.querySelectorAll("[data-at]")) {
      write(element, words(now + passed - Number(element.dataset.at)));
    }
    const read = document.getElementById("read");
    for (const element of document.querySelectorAll("[data-fresh]")) {
      if (read) write(element, words(now + passed - Number(read.dataset.at)));
    }
    const market = Number(pulse.dataset.market) + passed * Number(pulse.dataset.speed);
    for (const element of document.querySelectorAll("[data-closes]")) {
      const left = Math.max(0, Math.floor((Number(element.dataset.closes) - market) / 1000));
      write(element, pulse.dataset.market === "0" || lost ? "" : `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`);
    }
  };
  look();
  setInterval(look, 1000);
  document.addEventListener("placed", look);
})();
