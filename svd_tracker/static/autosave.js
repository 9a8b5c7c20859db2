// Keeps what is typed by sending the page's own form. Without this file the Save button does the same.
//
//   <form data-autosave="true" data-autosave-key="assess-7-12">   the key names the person and the thing; with it, what
//     <input type="hidden" name="row_version" …>                  is not saved yet is kept on the device as well, so
//     <p role="status" data-autosave-status="true"></p>           that a lost connection or sign-in loses nothing
//
// A saving answers with the same page, whose form carries the same key: anybody else's page is no answer. An empty
// answer (204) says that something is not finished: it is tried again after the next change.
const PAUSE = 4000;
const RETRY = 15000;
const STALE = 600000; // after so long without an answer the sign-in is looked at before the page is left
const REFUSED = 400;
const WRONG = ".govuk-error-summary, .app-conflict";
const SENT = "svd-sent";
const NOT_TYPED = ["row_version", "csrf_token"];

// A browser may refuse to keep anything: then the page still saves.
const device = (work) => { try { return work(); } catch { return null; } };

function typed(form) {
  return JSON.stringify([...new FormData(form)].filter(([name, value]) => !NOT_TYPED.includes(name) && typeof value === "string"));
}

function shelf(form) {
  const prefix = `svd:${form.dataset.autosaveKey}:`;
  return {
    all: () => device(() => Object.keys(localStorage).filter((key) => key.startsWith(prefix))
      .map((key) => ({ key, ...JSON.parse(localStorage.getItem(key)) })).sort((a, b) => b.at - a.at)) ?? [],
    put: (name, words, at = Date.now()) => device(() => localStorage.setItem(prefix + name, JSON.stringify({ at, words }))),
    drop: (key) => device(() => localStorage.removeItem(key)),
    dropSame: (words) => shelf(form).all().filter((one) => one.words === words).forEach((one) => shelf(form).drop(one.key)),
  };
}

function putBack(form, words) {
  const left = JSON.parse(words);
  const take = (name, value) => {
    const place = left.findIndex(([named, held]) => named === name && (value === undefined || held === value));
    return place < 0 ? null : left.splice(place, 1)[0][1];
  };
  for (const item of form.elements) {
    if (!item.name || ["hidden", "submit", "file"].includes(item.type)) continue;
    if (item.type === "radio" || item.type === "checkbox") item.checked = take(item.name, item.value) !== null;
    else item.value = take(item.name) ?? item.value;
  }
}

function label(form, name) {
  const item = [...form.elements].find((one) => one.name === name);
  const words = item?.type === "radio" ? item.closest("fieldset")?.querySelector("legend") : item?.labels?.[0];
  return words?.textContent.trim() ?? name;
}

function shown(form, name, value) {
  const choice = [...form.elements].find((one) => one.name === name && one.type === "radio" && one.value === value);
  return choice?.labels[0]?.textContent.trim() ?? value;
}

function button(words, more, work) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `govuk-button ${more}`;
  made.textContent = words;
  made.addEventListener("click", work);
  return made;
}

// Says what was kept, and lets it be put back or thrown away.
function offer(form, one, done) {
  const now = new Set(JSON.parse(typed(form)).map((pair) => JSON.stringify(pair)));
  const differs = JSON.parse(one.words).filter((pair) => !now.has(JSON.stringify(pair)));
  const box = document.createElement("section");
  box.className = "app-kept";
  const head = document.createElement("h2");
  head.className = "govuk-heading-m";
  head.textContent = "What you typed here was not saved, and is kept on this device";
  const when = document.createElement("p");
  when.className = "govuk-body";
  const moment = new Date(one.at).toLocaleString("en-GB", { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
  when.textContent = `Typed ${moment}. Put it back, check it and save; or throw it away.`;
  const list = document.createElement("ul");
  list.className = "govuk-list govuk-list--bullet";
  for (const [name, value] of differs) {
    const item = document.createElement("li");
    item.textContent = `${label(form, name)}: ${shown(form, name, value) || "nothing"}`;
    list.append(item);
  }
  const buttons = document.createElement("div");
  buttons.className = "govuk-button-group";
  const close = (back) => { box.remove(); done(back); };
  buttons.append(
    button("Put it back", "", () => close(true)),
    button("Throw it away", "govuk-button--secondary", () => close(false)),
  );
  box.append(head, when, list, buttons);
  form.before(box);
}

function watch(form) {
  const status = form.querySelector("[data-autosave-status]");
  const version = form.elements.namedItem("row_version");
  const token = form.elements.namedItem("csrf_token");
  const keeps = Boolean(form.dataset.autosaveKey);
  const kept = shelf(form);
  const mine = (page) => [...page.querySelectorAll("form[data-autosave]")]
    .find((one) => one.dataset.autosaveKey === form.dataset.autosaveKey);
  let stopped = document.querySelector(WRONG) !== null;
  let saved = stopped ? null : typed(form);
  let timer = 0;
  let running = null;
  let doubtful = false; // the last try met no connection or a sign-in page
  let leaving = false;
  let heard = Date.now();

  const say = (words) => { status.textContent = words; };
  const stop = () => {
    stopped = true;
    say("Not saved by itself. Use the Save button, which says what is wrong.");
  };
  const keep = () => {
    if (!keeps) return;
    if (typed(form) === saved) kept.dropSame(saved);
    else kept.put(version.value, typed(form));
  };
  const later = (words) => {
    doubtful = true;
    say(`${words}${keeps ? " What you typed is kept on this device." : ""}`);
  };
  const offline = () => {
    later("Not saved: there is no connection. It is tried again by itself.");
    clearTimeout(timer);
    timer = setTimeout(begin, RETRY);
  };
  const read = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");
  const signedOut = (answer) => new URL(answer.url).pathname.startsWith("/sign-in");
  const sayOut = () => later("You are signed out: sign in in another tab, then press Save here.");

  // Whether the page's own person can save again; takes the token that belongs to the new sign-in.
  async function renew() {
    try {
      const answer = await fetch(form.action);
      if (signedOut(answer)) return sayOut();
      const found = mine(await read(answer));
      if (!found) return later("Not saved: this page is not yours to change now.");
      if (token) token.value = found.elements.namedItem("csrf_token").value;
      doubtful = false;
      heard = Date.now();
      return true;
    } catch {
      return offline();
    }
  }

  async function save(again = false) {
    const sending = typed(form);
    if (stopped || sending === saved || (doubtful && !(await renew()))) return;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "follow" });
      if (signedOut(answer)) return void sayOut();
      if (answer.status === REFUSED && !again) { // the page's token died with its sign-in: is there a new one?
        doubtful = true;
        return void await save(true);
      }
      if (answer.status === 204) return void say("Not saved yet: something is not finished.");
      const page = await read(answer);
      const found = mine(page);
      const newer = found?.elements.namedItem("row_version");
      if (!answer.ok || !newer || page.querySelector(WRONG)) return void stop();
      kept.dropSame(sending);
      version.value = newer.value;
      saved = sending;
      heard = Date.now();
      keep();
      say(`Saved at ${new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`);
    } catch {
      offline();
    }
  }

  function begin() {
    running ??= save().finally(() => { running = null; });
    return running;
  }

  // What an earlier page of this form left behind.
  function lookBack() {
    if (stopped) { // the page itself carries what was typed
      kept.all().forEach((one) => kept.drop(one.key));
      return void keep();
    }
    kept.dropSame(saved);
    const [one] = kept.all();
    if (!one) return;
    kept.drop(one.key);
    kept.put(`kept-${one.at}`, one.words, one.at); // out of the way of what is typed while this is decided
    offer(form, one, (back) => {
      if (back) putBack(form, one.words);
      keep();
      kept.all().filter((other) => other.key.endsWith(`:kept-${one.at}`)).forEach((other) => kept.drop(other.key));
      if (back) form.dispatchEvent(new Event("input", { bubbles: true }));
      form.querySelector("input:not([type=hidden]), textarea")?.focus();
    });
  }

  form.addEventListener("input", () => {
    keep();
    clearTimeout(timer);
    timer = setTimeout(begin, PAUSE);
  });
  window.addEventListener("online", () => { if (doubtful) begin(); });
  // A button pressed while a save is on its way waits for it: its answer brings the version that the next one needs.
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    const pressed = event.submitter;
    if (running || doubtful || !navigator.onLine || Date.now() - heard > STALE) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (running) running.then(() => form.requestSubmit(pressed));
      else renew().then((may) => { if (may) form.requestSubmit(pressed); });
      return;
    }
    leaving = true;
    keep();
    if (keeps) device(() => sessionStorage.setItem(SENT, JSON.stringify({ key: `svd:${form.dataset.autosaveKey}:${version.value}`, words: typed(form) })));
  }, { capture: true });
  window.addEventListener("pageshow", () => { leaving = false; });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && typed(form) !== saved) event.preventDefault();
  });
  if (keeps) lookBack();
}

// The page that a save led to shows that it arrived, whether there is a form on it or not.
function arrived() {
  const sent = device(() => JSON.parse(sessionStorage.getItem(SENT)));
  device(() => sessionStorage.removeItem(SENT));
  if (sent && document.querySelector(".govuk-notification-banner--success")) {
    device(() => { if (JSON.parse(localStorage.getItem(sent.key))?.words === sent.words) localStorage.removeItem(sent.key); });
  }
}

arrived();
document.querySelectorAll("form[data-autosave]").forEach(watch);
