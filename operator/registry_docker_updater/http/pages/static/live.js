// Keeps what a page shows up to date: when the operator says that something changed, the page is fetched again, and its
// parts marked data-live are put in the place of what they showed. Without this script, the page is the same, and still.
"use strict";
(() => {
  const topic = document.body.dataset.topic;
  const shown = document.getElementById("live");
  if (!topic || !shown) return;
  const AT_LEAST_MS = 2000;
  let timer = null;
  let last = Date.now();

  const say = (text) => { if (shown.textContent !== text) shown.textContent = text; };

  // Whoever is at a link with the keyboard stays there; what somebody types in is left alone.
  const put = (old, now) => {
    const at = old.contains(document.activeElement) ? document.activeElement : null;
    if (at && at.matches("input, select, textarea")) return;
    const href = at && at.getAttribute("href");
    old.replaceChildren(...now.childNodes);
    if (href) {
      const again = [...old.querySelectorAll("a[href]")].find((one) => one.getAttribute("href") === href);
      if (again) again.focus({ preventScroll: true });
    }
  };

  const replace = async () => {
    timer = null;
    last = Date.now();
    if (document.hidden) { timer = "hidden"; return; }
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect") { say("you are logged out; load this page again"); return; }
      if (!answer.ok) { say("this page cannot be brought up to date: " + answer.status); return; }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const now = fresh.getElementById(old.id);
        if (now && now.innerHTML !== old.innerHTML) put(old, now);
      }
      say("live");
    } catch { say("the operator does not answer; trying again"); }
  };

  const later = () => {
    if (timer !== null) return;
    timer = setTimeout(replace, Math.max(0, last + AT_LEAST_MS - Date.now()));
  };

  document.addEventListener("visibilitychange", () => { if (!document.hidden && timer === "hidden") replace(); });
  const source = new EventSource("/live?" + new URLSearchParams({ topic, version: document.body.dataset.version }));
  source.addEventListener("open", () => { say("live"); });
  source.addEventListener("changed", later);
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      // Nobody streams to us: too many follow already, or somebody between us does not let it through.
      say("brought up to date every 10 seconds");
      setInterval(later, 10000);
    } else { say("the operator does not answer; trying again"); }
  });
})();
