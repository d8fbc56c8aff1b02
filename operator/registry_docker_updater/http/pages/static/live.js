// Keeps what a page shows up to date: when the operator says that something changed, the page is fetched again, and its
// parts marked data-live are put in the place of what they showed. Without this script, the page is the same, and still.
"use strict";
(() => {
  const topic = document.body.dataset.topic;
  const shown = document.getElementById("live");
  const stale = document.getElementById("stale");
  // Not more often than so, nor so that answering takes the operator a large part of its time.
  const AT_LEAST_MS = 2000, SHARE = 50, AGAIN_MS = 5000, SILENT_MS = 45000, WITHOUT_STREAM_MS = 10000;
  let source = null, timer = null, watchdog = null, last = Date.now(), took = 0, isOver = false;

  const say = (text) => { if (shown.textContent !== text) shown.textContent = text; };
  // What is shown may not be so any more: that must not pass for well.
  const warn = (text) => {
    say(text ? "not live" : "live");
    if (stale.textContent !== text) stale.textContent = text;
    stale.hidden = !text;
    document.body.classList.toggle("stale", Boolean(text));
  };

  const ago = (at) => {
    const seconds = (Date.now() - at) / 1000, size = Math.abs(seconds);
    if (size < 1) return "now";
    for (const [unit, length, until] of [["s", 1, 120], ["min", 60, 7200], ["h", 3600, 172800], ["d", 86400, Infinity]]) {
      if (size < until) return seconds >= 0 ? `${Math.floor(size / length)} ${unit} ago` : `in ${Math.floor(size / length)} ${unit}`;
    }
    return "";
  };
  setInterval(() => {
    for (const one of document.querySelectorAll("time[data-ago]")) {
      const text = ago(Date.parse(one.dateTime));
      if (one.textContent !== text && !isSelected(one)) one.textContent = text;
    }
  }, 5000);

  const isSelected = (node) => { const all = getSelection(); return all && !all.isCollapsed && all.containsNode(node, true); };
  // How often ago a moment is changes by itself, and is no change.
  const words = (node) => node.innerHTML.replace(/(<time[^>]*>)[^<]*/g, "$1");

  // Whoever is at a link with the keyboard stays there; what somebody types in, or has selected, is left alone.
  const put = (old, now) => {
    const at = old.contains(document.activeElement) ? document.activeElement : null;
    if (isSelected(old) || (at && at.matches("input, select, textarea"))) return false;
    const alike = (root, href) => [...root.querySelectorAll("a[href]")].filter((one) => one.getAttribute("href") === href);
    const href = at && at.getAttribute("href");
    const place = href ? alike(old, href).indexOf(at) : -1;
    const scrolls = [...old.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    old.replaceChildren(...now.childNodes);
    old.querySelectorAll(".scroll").forEach((one, number) => { one.scrollLeft = scrolls[number] || 0; });
    const again = href ? alike(old, href)[place] || alike(old, href)[0] : null;
    if (again) again.focus({ preventScroll: true });
    return true;
  };

  const replace = async () => {
    timer = null;
    const begun = last = Date.now();
    let isDone = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect") { end("You are logged out: what is shown is not kept up to date. Load this page again."); return; }
      if (!answer.ok) { warn(`This page cannot be brought up to date (${answer.status}): what it shows may not be so any more.`); later(AGAIN_MS); return; }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      took = Date.now() - begun;
      for (const old of document.querySelectorAll("[data-live]")) {
        const now = fresh.getElementById(old.id);
        if (now && words(now) !== words(old)) isDone = put(old, now) && isDone;
      }
      document.title = fresh.title;
      document.body.dataset.version = fresh.body.dataset.version;
      warn("");
      if (!isDone) later(AGAIN_MS);
    } catch { unanswered(); later(AGAIN_MS); }
  };

  const later = (atLeast = AT_LEAST_MS) => {
    if (timer !== null || isOver) return;
    const wait = Math.max(atLeast, SHARE * took) * (1 + Math.random() / 10);
    timer = setTimeout(replace, Math.max(0, last + wait - Date.now()));
  };

  const unanswered = () => warn("The operator does not answer: what is shown may not be so any more. Trying again.");
  const heard = () => { clearTimeout(watchdog); watchdog = setTimeout(() => { unanswered(); close(); open(); }, SILENT_MS); };
  const close = () => { clearTimeout(watchdog); if (source) source.close(); source = null; };
  const end = (text) => { isOver = true; close(); clearTimeout(timer); warn(text); };

  const open = () => {
    if (source || isOver || document.hidden) return;
    source = new EventSource("/live?" + new URLSearchParams({ topic, version: document.body.dataset.version }));
    source.addEventListener("open", () => { heard(); warn(""); });
    source.addEventListener("beat", heard);
    source.addEventListener("changed", () => { heard(); later(); });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) { unanswered(); return; }
      // Nobody streams to us: too many follow already, somebody between us does not let it through, or we are logged out.
      close();
      say("brought up to date every 10 seconds");
      setTimeout(() => { if (!document.hidden) { later(); open(); } }, WITHOUT_STREAM_MS);
    });
  };

  if (topic && shown && stale) {
    // A browser has six connections to a host: a page that nobody looks at must not keep one.
    document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else open(); });
    open();
  }
})();
