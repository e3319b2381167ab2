/** vaultd's own pages (서명 화면): asks the security key, sends what it answers, says how it went. One file, no import. */
(() => {
  interface Answer {
    ok: boolean;
    ko?: string;
    en?: string;
    error?: string;
    done?: boolean;
    options?: Options;
    codes?: string[];
    fingerprint?: string;
  }
  interface Known { type: "public-key"; id: string; transports?: AuthenticatorTransport[] }
  /** Options of WebAuthn as JSON has them: bytes in base64url. */
  interface Options {
    challenge: string;
    timeout?: number;
    rpId?: string;
    userVerification?: UserVerificationRequirement;
    allowCredentials?: Known[];
    rp?: PublicKeyCredentialRpEntity;
    user?: { id: string; name: string; displayName: string };
    pubKeyCredParams?: PublicKeyCredentialParameters[];
    excludeCredentials?: Known[];
    authenticatorSelection?: AuthenticatorSelectionCriteria;
    attestation?: AttestationConveyancePreference;
  }

  const AWAY: Answer = {
    ok: false, ko: "키 저장소에 연결할 수 없습니다. 서명하지 않았습니다. 다시 시도하십시오.",
    en: "The key store cannot be reached; nothing was signed. Try again.",
  };
  const LEFT: Answer = {
    ok: false, ko: "보안키 확인을 마치지 않았습니다. 서명하지 않았습니다. 다시 누르십시오.",
    en: "The security key was not confirmed; nothing was signed. Press again.",
  };
  const NONE: Answer = {
    ok: false, ko: "이 브라우저나 주소에서는 보안키를 쓸 수 없습니다.",
    en: "This browser, or this address, cannot use a security key.",
  };
  const CODE: Answer = { ok: false, ko: "숫자 8자리를 넣으십시오.", en: "Eight digits are needed." };
  const STATE_MS = 3000;

  const found = document.getElementById("act");
  if (!found) return;
  const act = found;
  const base = `/${act.dataset["page"]}/${act.dataset["id"]}`;
  const key = document.querySelector<HTMLButtonElement>("#key");
  const spoken = document.querySelector<HTMLFormElement>("#spoken");
  const code = document.querySelector<HTMLInputElement>("#code");
  const back = document.querySelector<HTMLAnchorElement>("#back");
  const box = document.getElementById("say");

  function bytes(text: string): Uint8Array<ArrayBuffer> {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
  }

  function text(buffer: ArrayBuffer | null): string {
    const plain = buffer ? String.fromCharCode(...new Uint8Array(buffer)) : "";
    return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  function say(answer: Answer, kind: "ok" | "bad" | "info"): void {
    if (!box) return;
    const english = document.createElement("span");
    english.className = "en";
    english.lang = "en";
    english.textContent = answer.en ?? "";
    box.replaceChildren(answer.ko ?? "", " ", english);
    box.className = `notice ${kind}`;
    box.hidden = false;
  }

  async function send(step: string, body: unknown): Promise<Answer> {
    try {
      const response = await fetch(`${base}/${step}`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
        signal: AbortSignal.timeout(15_000), credentials: "omit",
      });
      return (await response.json()) as Answer;
    } catch {
      return AWAY;
    }
  }

  const listed = (known: Known[] | undefined): PublicKeyCredentialDescriptor[] =>
    (known ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

  async function assertion(options: Options): Promise<unknown> {
    const made = await navigator.credentials.get({
      publicKey: {
        challenge: bytes(options.challenge), timeout: options.timeout ?? 120_000, userVerification: "required",
        allowCredentials: listed(options.allowCredentials), ...(options.rpId ? { rpId: options.rpId } : {}),
      },
    }) as PublicKeyCredential;
    const said = made.response as AuthenticatorAssertionResponse;
    return {
      id: made.id, rawId: text(made.rawId), type: made.type,
      response: {
        authenticatorData: text(said.authenticatorData), clientDataJSON: text(said.clientDataJSON),
        signature: text(said.signature), userHandle: text(said.userHandle),
      },
    };
  }

  async function registration(options: Options): Promise<unknown> {
    if (!options.rp || !options.user) throw new Error("options");
    const made = await navigator.credentials.create({
      publicKey: {
        rp: options.rp, user: { ...options.user, id: bytes(options.user.id) }, challenge: bytes(options.challenge),
        pubKeyCredParams: options.pubKeyCredParams ?? [], timeout: options.timeout ?? 120_000,
        excludeCredentials: listed(options.excludeCredentials), attestation: options.attestation ?? "none",
        authenticatorSelection: { ...options.authenticatorSelection, userVerification: "required" },
      },
    }) as PublicKeyCredential;
    const said = made.response as AuthenticatorAttestationResponse;
    return {
      id: made.id, rawId: text(made.rawId), type: made.type,
      response: { attestationObject: text(said.attestationObject), clientDataJSON: text(said.clientDataJSON) },
    };
  }

  function busy(is: boolean): void {
    for (const each of act.querySelectorAll<HTMLButtonElement | HTMLInputElement>("button, input")) each.disabled = is;
    act.ariaBusy = String(is);
  }

  /** One step of a person: the buttons rest meanwhile, and what went wrong stands in words. */
  async function step(work: () => Promise<Answer>): Promise<void> {
    busy(true);
    let answer: Answer;
    try {
      answer = await work();
    } catch {
      answer = LEFT;
    }
    busy(false);
    if (!answer.ok) {
      say(answer, "bad");
      return;
    }
    finished(answer);
  }

  function finished(answer: Answer): void {
    say(answer, "ok");
    key?.remove();
    if (answer.fingerprint) {
      const read = document.createElement("p");
      read.id = "fingerprint";
      read.textContent = answer.fingerprint;
      box?.after(read);
      return;
    }
    if (answer.codes) {
      list(answer.codes);
      return;
    }
    if (answer.done || !spoken) {
      spoken?.remove();
      leave();
    } else {
      // the page says anew who has signed, and the code is what is left to do
      location.reload();
    }
  }

  /** Codes stand here once and nowhere else: no address brings them back. */
  function list(codes: string[]): void {
    const made = document.createElement("ul");
    made.id = "codes";
    made.append(...codes.map((code) => {
      const item = document.createElement("li");
      item.textContent = code;
      return item;
    }));
    const print = document.createElement("button");
    print.type = "button";
    print.textContent = "인쇄 / Print";
    print.addEventListener("click", () => window.print());
    box?.after(made, print);
    clearInterval(timer);
    print.focus();
  }

  function leave(): void {
    if (back) location.assign(back.href);
  }

  async function withKey(): Promise<Answer> {
    if (!("credentials" in navigator) || !window.PublicKeyCredential) return NONE;
    const person = act.dataset["person"];
    const asked = await send("options", { person });
    if (!asked.ok || !asked.options) return asked;
    say({ ok: true, ko: "보안키를 만지거나 지문을 대십시오.", en: "Touch the security key." }, "info");
    const made = act.dataset["page"] === "register" ? registration : assertion;
    return send("finish", { person, credential: await made(asked.options) });
  }

  async function withCode(): Promise<Answer> {
    const digits = code?.value ?? "";
    if (!/^[0-9]{8}$/.test(digits)) return CODE;
    const caller = document.querySelector<HTMLSelectElement>("#caller")?.value;
    const answer = await send("code", { person: act.dataset["person"], caller, code: digits });
    if (!answer.ok && code) code.value = "";
    return answer;
  }

  async function look(): Promise<void> {
    let state = "";
    try {
      const response = await fetch(`${base}/state`, { signal: AbortSignal.timeout(5000), credentials: "omit" });
      state = response.ok ? ((await response.json()) as { state: string }).state : response.status === 404 ? "gone" : "";
    } catch {
      return;
    }
    if (state !== "gone") return;
    busy(true);
    clearInterval(timer);
    say({
      ok: false, ko: "서명 기한이 지났습니다. 관제 화면에서 다시 여십시오.",
      en: "Its time is over; open it again from the centre's page.",
    }, "bad");
  }

  let timer = 0;
  if (key) {
    key.hidden = false;
    key.addEventListener("click", () => void step(withKey));
  }
  if (spoken) {
    spoken.hidden = false;
    spoken.addEventListener("submit", (event) => {
      event.preventDefault();
      void step(withCode);
    });
  }
  // one press at night: whoever comes from the centre's page finds the first thing to do under the Enter key
  (key ?? code ?? back)?.focus({ preventScroll: true });
  if (act.dataset["page"] === "sign") timer = window.setInterval(() => void look(), STATE_MS);
})();
