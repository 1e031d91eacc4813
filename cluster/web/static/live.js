// Parts of a page that move. A part is an element with an id; a newer one takes its place.
//   data-stream="/live/..."  parts come by server-sent events, while the page can be seen
//   data-poll="/..."         the element is asked for again each second, while it says so
(() => {
  "use strict";
  const POLL_MS = 1000;
  const AGAIN_MS = 60000; // after the console refused a stream: all pages of a fleet do not ask at once

  const place = (text) => {
    const found = document.createElement("template");
    found.innerHTML = text;
    const inside = (one) => (one.localName === "template" ? [...one.content.children] : [one]);
    for (const part of [...found.content.children].flatMap(inside)) {
      const old = document.getElementById(part.id);
      if (old) old.replaceWith(part);
    }
    poll();
    document.dispatchEvent(new Event("placed"));
  };

  const poll = () => {
    for (const element of document.querySelectorAll("[data-poll]:not([data-polled])")) {
      element.dataset.polled = "yes"; // the part that takes its place asks for itself
      setTimeout(() => ask(element), POLL_MS);
    }
  };
  const ask = async (element) => {
    try {
      const answer = await fetch(element.dataset.poll, { signal: AbortSignal.timeout(30000) });
      if (!answer.ok) throw new Error(answer.status);
      place(await answer.text());
    } catch {
      delete element.dataset.polled;
      setTimeout(poll, POLL_MS);
    }
  };

  const said = document.querySelector("[data-stream]");
  let stream = null, seen = "", later = 0;
  const write = (text) => { if (said.textContent !== text) said.textContent = text; };
  const close = () => {
    clearTimeout(later);
    if (stream) stream.close();
    stream = null;
  };
  const open = () => {
    close();
    const address = new URL(said.dataset.stream, location.href);
    if (seen) address.searchParams.set("seen", seen);
    stream = new EventSource(address);
    stream.onmessage = (event) => { seen = event.lastEventId; write(""); place(event.data); };
    stream.addEventListener("ended", (event) => {
      close();
      document.removeEventListener("visibilitychange", turn);
      said.innerHTML = event.data;
    });
    stream.onerror = () => {
      if (!stream || stream.readyState !== EventSource.CLOSED) return; // the browser tries again
      write("The console sends nothing to this page: too many pages are open, or you are signed out. It is asked again in about a minute.");
      later = setTimeout(open, AGAIN_MS * (0.5 + Math.random()));
    };
  };
  const turn = () => (document.hidden ? close() : open());
  if (said) {
    document.addEventListener("visibilitychange", turn);
    addEventListener("pageshow", (event) => { if (event.persisted) turn(); });
    turn();
  }
  poll();
})();
