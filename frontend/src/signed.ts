/** Back from vaultd's page (서명 반영): sends the one form that takes the signature in, so that nobody presses twice. */
document.querySelector<HTMLFormElement>("form[data-send]")?.requestSubmit();
