// The list of newest activity: what page.js hears from /ui/live is put on top, each thing once, and the oldest leaves.
const list = document.querySelector("[data-live-list]");
const most = Number(list?.dataset.liveMost || 12);

function entry(told) {
  const line = document.createElement("li");
  line.className = "timeline-entry";
  line.dataset.liveId = told.statement_id;
  if (told.completes_lesson) line.dataset.kind = "done";
  const who = document.createElement(told.learner_path ? "a" : "strong");
  if (told.learner_path) who.href = told.learner_path;
  who.textContent = told.learner;
  line.append(who, ` ${told.did} “${told.what}” `);
  if (told.lesson) {
    const lesson = document.createElement("span");
    lesson.className = "muted";
    lesson.textContent = `in ${told.lesson}`;
    line.append(lesson, " ");
  }
  const when = document.createElement("time");
  when.dateTime = told.occurred_at;
  when.textContent = told.when;
  line.append(when);
  return line;
}

if (list) {
  document.addEventListener("statement", (event) => {
    const told = event.detail;
    if (list.querySelector(`[data-live-id="${CSS.escape(told.statement_id)}"]`)) return;
    list.querySelector("[data-live-none]")?.remove();
    list.prepend(entry(told));
    while (list.children.length > most) list.lastElementChild.remove();
  });
}
