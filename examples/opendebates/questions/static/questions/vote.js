// Votes without leaving the page; without this script the form does the same with a reload.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.vote");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
    });
    if (!answer.ok) throw new Error(answer.status);
    form.querySelector(".count").textContent = (await answer.json()).votes;
    form.querySelector(".label").textContent = "voted";
    form.classList.add("voted");
  } catch {
    button.disabled = false;
    form.querySelector(".label").textContent = "try again";
  }
});
