"""Refusals of the vault (거부 사유): one code, one sentence in Korean and in English, used by every door."""

from __future__ import annotations

from typing import Final


class VaultError(Exception):
    """Anything the vault refuses; ``code`` is stable, ``str()`` is Korean then English."""

    def __init__(self, code: str, detail: str = "") -> None:
        korean, english = TEXT.get(code, ("거부되었습니다.", "Refused."))
        super().__init__(f"{korean} / {english}" + (f" ({detail})" if detail else ""))
        self.code = code
        self.detail = detail


class SegmentBroken(VaultError):
    """A segment file or a part does not have the bytes of version 1."""


class PartRefused(VaultError):
    """A sealed part does not open: another key, or changed bytes."""


class VaultRefused(VaultError):
    """vaultd said no, as its clients see it. ``message`` Korean / English, ``detail`` maybe empty."""

    def __init__(self, code: str, message: str = "", detail: str = "") -> None:
        super().__init__(code, detail)
        self.message = message or str(self)
        self.args = (self.message,)


class VaultAway(ConnectionError):
    """vaultd does not answer; whether the last request was done is not known."""


class CipherAway(VaultError):
    """The cipher is known but this machine has no provider for it."""


# no key opens these seconds any more: what is stored of them is no fault
GONE: Final = frozenset(("destroyed", "closed"))
TEXT: Final[dict[str, tuple[str, str]]] = {
    "segment_magic": ("영상 파일의 머리글이 아닙니다.", "Not the header of a segment file."),
    "segment_version": ("지원하지 않는 영상 파일 판입니다.", "A segment version that is not supported."),
    "segment_field": ("영상 파일 머리글의 값이 범위를 벗어났습니다.", "A header field is out of range."),
    "segment_short": ("영상 파일이 머리글보다 짧습니다.", "The file is shorter than its header."),
    "part_magic": ("영상 조각의 머리글이 아닙니다.", "Not the header of a part."),
    "part_field": ("영상 조각 머리글의 값이 범위를 벗어났습니다.", "A part header field is out of range."),
    "part_order": ("영상 조각의 순번이나 시각 순서가 어긋났습니다.", "Parts are out of order."),
    "part_limit": ("영상 조각이 한도를 넘었습니다.", "A part passes its limit."),
    "trailer": ("영상 파일의 마감 기록이 내용과 다릅니다.", "The trailer does not fit the parts."),
    "commitment": ("키가 이 영상 조각의 것이 아닙니다.", "The key is not this part's (commitment)."),
    "tag": ("영상 조각이 변경되었거나 키가 다릅니다.", "The part was changed, or the key is another (tag)."),
    "init_digest": ("초기화 조각이 머리글의 값과 다릅니다.", "The init part is not the one the header names."),
    "cipher_away": ("이 장비에는 해당 암호 모듈이 없습니다.", "This machine has no provider for the cipher."),
    "cipher_unknown": ("알 수 없는 암호 번호입니다.", "An unknown cipher number."),
    "writer_closed": ("이미 마감한 영상 파일입니다.", "The segment is closed."),
    "generation_gone": (
        "이 세대의 키가 없습니다. 열 수 없습니다.",
        "The generation key does not exist; nothing opens.",
    ),
    "generation_present": ("세대 키가 지워지지 않았습니다.", "The generation key is still there."),
    "keystore_broken": (
        "키 저장소 파일이 변경되었거나 손상되었습니다.",
        "The keystore file was changed or is damaged.",
    ),
    "keystore_version": ("지원하지 않는 키 저장소 판입니다.", "A keystore version that is not supported."),
    "keystore_missing": (
        "키 저장소가 없습니다. 먼저 gwanje vault init을 실행하십시오.",
        "No keystore here; run gwanje vault init first.",
    ),
    "keystore_busy": (
        "다른 프로세스가 키 저장소를 쓰고 있습니다.",
        "Another process holds this keystore (vaultd is running?).",
    ),
    "keystore_limit": ("키 저장소가 한도를 넘었습니다.", "The keystore passes its size limit."),
    "class_field": ("보존기간 분류의 값이 올바르지 않습니다.", "A retention class field has no legal value."),
    "secret_limit": ("봉인할 비밀의 길이가 한도를 벗어났습니다.", "The secret's length is outside the limit."),
    "sealed_refused": ("봉인된 비밀을 열 수 없습니다.", "The sealed secret does not open with this key and context."),
    "open_log": ("열람 기록 파일이 변경되었습니다.", "The open-log was changed."),
    "fmp4": ("영상 조각의 형식이 올바르지 않습니다.", "The fMP4 boxes are malformed."),
    "limit": ("한도를 넘었습니다.", "A limit was passed."),
    "class_fixed": (
        "이미 등록된 보존기간 분류의 값은 바꿀 수 없습니다. 새 번호를 쓰십시오.",
        "A class number has one retention value for ever; use a new number.",
    ),
    "class_unknown": ("등록되지 않은 보존기간 분류입니다.", "An unknown retention class; register it first."),
    "class_not_recorded": ("녹화하지 않는 분류입니다.", "This class is not recorded."),
    "slots_full": ("카메라 자리를 모두 썼습니다(2의 20제곱).", "All 2^20 camera slots are taken."),
    "slot_unknown": ("등록되지 않은 카메라 자리입니다.", "An unknown camera slot."),
    "single_replica": (
        "키 복제본이 1개뿐이어서 녹화할 수 없습니다. "
        "담당공무원 2명이 gwanje vault accept-single-replica로 승인하십시오.",
        "Only one key replica: recording waits until two officers accept the risk "
        "(gwanje vault accept-single-replica); a demo folder records without.",
    ),
    "past": ("지난 시각의 키는 빌려주지 않습니다.", "Keys of the past are never lent."),
    "too_early": ("다음 시간의 키는 120초 전부터 빌려줍니다.", "The next hour is lent 120 s before it begins."),
    "closed": (
        "삭제 요구로 폐쇄된 구간입니다. 보존을 밝힌 허가로만 열립니다.",
        "Closed by a deletion; only a Permit that names a hold which has it opens it.",
    ),
    "destroyed": ("파기된 영상입니다. 열 수 없습니다.", "This video was destroyed; nothing opens it."),
    "checkpoint_origin": ("다른 관리대장의 검증 지점입니다.", "The checkpoint is of another log."),
    "checkpoint_head": (
        "마지막으로 서명한 지점에서 이어지지 않습니다.",
        "Not from the last signed size; ask again from it.",
    ),
    "checkpoint_fork": (
        "관리대장이 이전 기록과 이어지지 않습니다. 변조가 의심됩니다.",
        "The ledger does not continue what was signed: it may have been altered.",
    ),
    "permit_field": ("허가의 내용이 올바르지 않습니다.", "The Permit's fields are not in order."),
    "permit_centre": ("다른 센터의 허가입니다.", "The Permit is of another centre."),
    "permit_camera": ("허가의 카메라와 자리가 맞지 않습니다.", "A camera of the Permit does not have that slot."),
    "action_unavailable": (
        "이 판에서는 열람과 원본 제공만 허가합니다. 검색은 지원하지 않습니다.",
        "Viewing and release of originals are permitted in this version; search is not built.",
    ),
    "future": ("아직 오지 않은 시각은 열람할 수 없습니다.", "The range lies in the future."),
    "approver_missing": (
        "승인자가 없습니다. 담당공무원 2명이 필요합니다.",
        "An approver is missing; two officers are needed.",
    ),
    "approver_same": ("신청자와 승인자는 서로 달라야 합니다.", "Requester and approvers must be different persons."),
    "approver_role": ("이 역할은 승인할 수 없습니다.", "This role may not approve."),
    "requester": ("허가는 신청자 본인만 쓸 수 있습니다.", "A Permit is for the requester only."),
    "requester_role": ("이 역할은 열람을 신청할 수 없습니다.", "This role may not ask for playback."),
    "officer_unknown": (
        "담당공무원 명부에 없거나 기간이 지났습니다. gwanje vault officer add로 등록하십시오.",
        "Not in the officers' registry in this role, or not in force; register with gwanje vault officer add.",
    ),
    "signature_unavailable": (
        "담당공무원 본인 서명은 이 판에서 지원하지 않습니다.",
        "Officers' own signatures are not built in this version.",
    ),
    "viewer": ("열람자 확인이 올바르지 않습니다. 다시 로그인하십시오.", "The viewer token is not valid; log in again."),
    "viewer_expired": ("열람자 확인이 만료되었습니다.", "The viewer token has expired."),
    "person": ("허가받은 사람이 아닙니다.", "The Permit is another person's."),
    "station": ("허가받은 자리가 아닙니다.", "The Permit is for another station."),
    "forged": ("이 센터가 발급한 허가가 아닙니다.", "This Permit was not issued here."),
    "widened": ("허가의 내용이 변경되었습니다.", "The Permit was altered after it was issued."),
    "expired": ("허가의 기한이 지났습니다. 다시 신청하십시오.", "The Permit has expired; ask again."),
    "reused": ("이미 사용한 허가입니다.", "The Permit was used already."),
    "session_unknown": ("알 수 없는 열람입니다.", "An unknown viewing session."),
    "session_ended": ("열람 시간이 끝났습니다.", "The viewing session has ended."),
    "outside": ("허가된 범위 밖입니다.", "Outside the range of the Permit."),
    "clock_alarm": (
        "시각이 의심되어 파기를 멈췄습니다. 담당공무원 2명이 gwanje vault confirm-clock으로 확인하십시오.",
        "The clock is in doubt; destruction waits for two officers (gwanje vault confirm-clock).",
    ),
    "hello": ("연결 확인에 실패했습니다.", "The hello was not accepted: key, role or user is not the registered one."),
    "certificate": (
        "인증서를 쓸 수 없습니다. gwanje vault card로 만든 Ed25519 인증서여야 합니다.",
        "Not a certificate that can be admitted: an Ed25519 one made by gwanje vault card.",
    ),
    "op_denied": ("이 서비스에는 허용되지 않은 요청입니다.", "This service may not ask that."),
    "op_unknown": ("알 수 없는 요청입니다.", "An unknown request."),
    "request": ("요청의 형식이 올바르지 않습니다.", "A field of the request is missing or of another type."),
    "lend_share": (
        "한 녹화기가 자기 몫을 크게 넘는 카메라의 키를 요청했습니다. 1분에 한 몫씩만 더 대여합니다.",
        "One recorder asks for the keys of far more cameras than its share; a share a minute is lent beyond it.",
    ),
    "rate": ("요청이 너무 잦습니다. 잠시 후 다시 하십시오.", "Too many requests; slow down."),
    "internal": ("금고 내부 오류입니다. 기록을 확인하십시오.", "An internal fault of the vault; see its log."),
    "console_two": (
        "서로 다른 담당공무원 2명이 각자의 비밀번호로 확인해야 합니다.",
        "Two different officers must confirm, each with a password of their own.",
    ),
    "console_password": ("담당공무원 확인에 실패했습니다.", "An officer's id or password is not right."),
    "console_locked": ("확인 실패가 많아 60초 동안 잠겼습니다.", "Too many failures; the console is locked for 60 s."),
    "officer_field": ("담당공무원 항목의 값이 올바르지 않습니다.", "An officer's field has no legal value."),
    "officer_key": (
        "담당공무원 서명 키 등록은 이 판에서 지원하지 않습니다.",
        "Registering officers' keys is not built in this version.",
    ),
    "rules_field": ("승인 규칙의 값이 올바르지 않습니다.", "The approver rules have no legal value."),
    "plaintext": (
        "봉인되지 않은 영상은 저장하지 않습니다.",
        "Only what was sealed for this segment is written; plaintext never touches the disk.",
    ),
    "store_secret_open": (
        "객체 저장소 계정 파일을 다른 사용자가 읽을 수 있습니다. chmod 600으로 바꾸십시오.",
        "Others may read the object store's account; chmod 600 the file.",
    ),
    "store_settings": (
        "객체 저장소 설정이 올바르지 않습니다. gwanje store s3로 다시 정하십시오.",
        "The object store's settings cannot be used; set them with gwanje store s3.",
    ),
    "store_plain": (
        "객체 저장소로 가는 길이 암호화되지 않습니다. https 주소를 쓰십시오.",
        "An object store on another machine is reached by https only.",
    ),
    "store_versions": (
        "버킷이 지운 객체를 판(version)으로 남깁니다. 판 보관이 꺼진 새 버킷을 쓰십시오.",
        "The bucket keeps versions of deleted objects; use a new bucket without versioning.",
    ),
    "store_bucket": ("버킷이 없습니다.", "The bucket does not exist."),
    "signature_missing": (
        "담당공무원 본인 서명이 필요합니다. 서명 화면에서 보안키로 서명하십시오.",
        "The officers have keys: their own signatures are asked for, an account's word no longer counts.",
    ),
    "consent_gone": (
        "서명 요청이 없거나 기한(15분)이 지났습니다. 관제 화면에서 다시 여십시오.",
        "No such thing to sign, or its 15 minutes are over; open it again from the centre's page.",
    ),
    "consent_full": (
        "서명 대기가 너무 많습니다. 잠시 후 다시 하십시오.",
        "Too much waits to be signed; try again later.",
    ),
    "consent_field": (
        "서명할 내용을 글로 보일 수 없습니다. 서명하지 않았습니다.",
        "A field cannot be shown in words; nothing is signed that was not shown.",
    ),
    "consent_role": (
        "이 일에 서명할 역할이 아니거나, 대결 지정이 없습니다.",
        "No role of this officer may sign this, and nobody delegated it.",
    ),
    "consent_key": (
        "이 담당공무원의 유효한 서명 키가 아닙니다. gwanje officer keys로 확인하십시오.",
        "Not a key of this officer that is in force; see gwanje officer keys.",
    ),
    "consent_nonce": (
        "서명 시간이 지났거나 이미 쓴 서명 요청입니다. 다시 서명하십시오.",
        "The challenge was used or is older than 5 minutes; sign again.",
    ),
    "consent_signature": (
        "서명이 맞지 않습니다. 서명하지 않았습니다.",
        "The signature does not verify; nothing was signed.",
    ),
    "consent_counter": (
        "보안키의 사용 횟수가 뒤로 갔습니다. 복제가 의심되니 이 키를 해제하십시오.",
        "The key's counter went back: it may have been copied. Have the key retired by two others.",
    ),
    "consent_twice": ("이미 서명했습니다.", "This officer has signed already."),
    "consent_forged": (
        "이 금고가 확인한 서명이 아닙니다.",
        "Not a consent that this vault attested, or it was altered afterwards.",
    ),
    "consent_other": ("다른 내용에 대한 서명입니다.", "The consent is to something else."),
    "consent_old": (
        "서명한 지 96시간이 지났습니다. 다시 서명하십시오.",
        "The consent is older than 96 hours; sign again.",
    ),
    "consent_spent": (
        "한 번의 승인으로 10번까지 열람할 수 있습니다. 다시 신청하십시오.",
        "One consent opens ten Permits at most; ask again.",
    ),
    "console_signed": (
        "담당공무원 서명 키가 등록되어 비밀번호로는 처리하지 않습니다. 2명이 gwanje officer sign으로 서명하십시오.",
        "Officers have keys: passwords no longer do this. Two officers sign it (gwanje officer sign).",
    ),
    "key_field": ("서명 키의 값이 올바르지 않습니다.", "A signing key's field has no legal value (Ed25519 or ES256)."),
    "key_known": ("이미 등록된 서명 키입니다.", "This key is registered already."),
    "key_unknown": ("등록되지 않은 서명 키입니다.", "No such key is registered for this officer."),
    "key_last": (
        "이렇게 하면 서명할 담당공무원이 부족해집니다. 먼저 다른 사람의 키를 등록하십시오.",
        "Too few officers with keys would be left; register another one's key first.",
    ),
    "key_own": ("본인의 일에는 본인이 서명하지 않습니다.", "Nobody signs in a matter of their own key."),
    "ticket_gone": ("등록표가 없거나 기한(15분)이 지났습니다.", "No such ticket, or its 15 minutes are over."),
    "delegation_field": ("전결·대결 지정의 값이 올바르지 않습니다.", "A delegation's field has no legal value."),
    "code_wrong": ("승인코드가 맞지 않습니다.", "The approval code is not right."),
    "code_locked": (
        "틀린 승인코드가 많아 잠겼습니다. 승인자가 보안키로 직접 서명하십시오.",
        "Too many wrong codes: locked. The approver signs with a key instead.",
    ),
    "code_scope": (
        "전화 승인코드는 긴급 사유의 열람에만, 카메라 5대·2시간까지 쓸 수 있습니다.",
        "Spoken codes are for viewing on an urgent ground only, 5 cameras and 2 hours at most.",
    ),
    "code_suspended": (
        "서면 확인을 하지 않아 승인코드가 정지되었습니다. 담당공무원 2명의 서명으로 해제합니다.",
        "A written confirmation is overdue: this officer's codes are suspended until two officers lift it.",
    ),
    "code_delegation": (
        "승인코드는 전결 근거가 등록된 승인자만 만들 수 있습니다.",
        "Only an approver whose delegation is on record makes codes.",
    ),
    "token_settings": (
        "키 보관 토큰 설정이 올바르지 않습니다. token은 file 또는 pkcs11이고, pkcs11은 module과 token이 필요합니다.",
        "The token's settings cannot be used: token is file or pkcs11, and pkcs11 needs module and token.",
    ),
    "token_away": (
        "보안토큰이 응답하지 않습니다. 바꾼 것이 없습니다. 토큰을 꽂고 docs/runbook/lost-token.md를 보십시오.",
        "The token does not answer; nothing was changed. Put it back; see docs/runbook/lost-token.md.",
    ),
    "token_pin": (
        "보안토큰의 PIN을 쓸 수 없습니다. secrets/token.pin(0600)을 확인하고 다시 시작하십시오. 두 번 넣지 않습니다.",
        "The token's PIN cannot be used; check secrets/token.pin (0600) and start again. It is not tried twice.",
    ),
    "token_weak": (
        "보안토큰이 밖으로 꺼낼 수 있는 키를 만들었습니다. 쓰지 않고 지웠습니다.",
        "The token made a key that could be taken out; it was deleted, not used.",
    ),
    "bundle_action": (
        "열람 허가로는 증거 묶음을 만들 수 없습니다. 제공 허가를 받으십시오.",
        "A Permit to view makes no bundle; ask for one to release.",
    ),
    "bundle_scope": ("증거 묶음이 허가된 범위를 넘습니다.", "The bundle goes beyond its Permit."),
    "bundle_field": ("증거 묶음 명세의 값이 올바르지 않습니다.", "A field of the manifest has no legal value."),
    "bundle_checkpoint": (
        "증거 묶음의 검증 지점이 이 센터가 서명한 것이 아닙니다.",
        "The bundle's checkpoint was not signed by this centre.",
    ),
    "bundle_recipient": (
        "받는 사람의 공개키(age1…)가 올바르지 않거나, 암호와 함께 지정되었습니다.",
        "A recipient's public key (age1…) is not in order, or a passphrase was given beside it.",
    ),
    "bundle_limit": (
        "증거 묶음이 너무 큽니다. 구간을 나누어 만드십시오.",
        "The bundle is too large; make several of shorter ranges.",
    ),
    "bundle_clip": (
        "저장된 영상으로 재생 파일을 만들 수 없습니다.",
        "The stored fragments do not make a clip; nothing was written.",
    ),
    "bundle_track": (
        "영상이 아닌 것이 들어 있어 증거 묶음을 만들지 않았습니다.",
        "Something that is not one video track stands in it; no bundle was made.",
    ),
    "bundle_empty": ("이 구간에는 열 수 있는 영상이 없습니다.", "Nothing that opens is stored in this range."),
    "hold_dead": (
        "이미 파기되었거나 폐쇄된 구간이 있어 보존할 수 없습니다. 표시된 구간을 빼고 다시 요청하십시오.",
        "Some of these seconds are destroyed or closed already; nothing was held. Ask again without those named.",
    ),
    "hold_unknown": ("없는 보존입니다.", "There is no such hold, or it has ended."),
    "hold_ended": ("보존기간이 끝났습니다.", "The hold has ended."),
    "hold_known": (
        "같은 번호의 보존이 다른 내용으로 있습니다. 기록하지 않았습니다.",
        "A hold with this id stands with other contents; nothing was written.",
    ),
    "hold_field": ("보존·폐쇄 요청의 값이 올바르지 않습니다.", "A field of the hold or deletion has no legal value."),
    "hold_end": (
        "보존의 끝은 지금보다 뒤여야 하고 한도를 넘을 수 없습니다(임시 보존 10일, 그 밖 366일).",
        "A hold ends later than now and its former end: within 10 days when provisional, within 366 otherwise.",
    ),
    "hold_unproved": (
        "보존한 키를 다시 읽어 확인하지 못했습니다. 보존하지 않았으니 다시 하십시오.",
        "The held keys did not read back as the tree derives them; nothing is held, try again.",
    ),
    "puncture_present": (
        "녹화기가 아직 키를 가진 구간은 폐쇄할 수 없습니다. 잠시 후 다시 하십시오.",
        "A recorder may still hold keys of these seconds; close them a little later.",
    ),
    "generation_old": (
        "이 복제본이 가진 것보다 오래된 키 저장소입니다. 받지 않았습니다.",
        "A keystore no newer than what this replica has; it was not taken.",
    ),
    "replica_base": (
        "보낸 쪽이 이 복제본의 내용을 모릅니다. 되돌린 키 저장소일 수 있어 받지 않았습니다.",
        "The sender has not seen what this replica has: it may have been rolled back. Nothing was taken.",
    ),
    "replica_false": (
        "키 복제본의 말이 서명과 다르거나, 쓴 적 없는 내용입니다. 그 복제본을 쓰지 않습니다.",
        "A replica says what its signature, or what was ever written, does not bear out; it is not used.",
    ),
    "replica_primary": (
        "이 장비는 승격되어 더 이상 복제본이 아닙니다.",
        "This place was promoted: it is a replica no longer and takes nothing.",
    ),
    "replica_here": (
        "이 폴더의 키 저장소는 다른 장비의 복제본입니다. gwanje replica serve를 쓰거나 두 담당공무원이 승격하십시오.",
        "This folder's keystore is another machine's replica: gwanje replica serve, or two officers promote it.",
    ),
    "replica_missing": (
        "새 시간의 키가 아직 복제되지 않아 빌려주지 않습니다. gwanje vault status로 복제본을 확인하십시오.",
        "The new hour's key is not in enough replicas yet and is not lent; see gwanje vault status.",
    ),
    "replica_silent": (
        "시작한 뒤 복제본이 답하지 않아 저장 영상을 열지 않습니다. 복제본을 켜거나 담당공무원 2명이 해제하십시오.",
        "No replica has answered since the start: nothing stored opens. Start one, or two officers retire it.",
    ),
    "rolled_back": (
        "이 키 저장소는 최신이 아닙니다(되돌려짐). 아무것도 열거나 빌려주지 않습니다. docs/runbook/lost-replica.md",
        "This keystore is not the newest (rolled back): nothing opens, nothing is lent. docs/runbook/lost-replica.md",
    ),
    "replica_field": ("키 복제본의 값이 올바르지 않습니다.", "A replica's field has no legal value."),
    "replica_unknown": ("그런 키 복제본이 없습니다.", "No such replica."),
    "replica_drill": ("복제본 개봉 훈련에 실패했습니다.", "The drill could not open the replica's file."),
    "officer_passphrase": ("암호문은 12자 이상이어야 합니다.", "A passphrase has 12 characters or more."),
    "officer_passphrase_wrong": ("암호문이 맞지 않습니다.", "The passphrase does not open this key."),
    "officer_file": ("서명 키 파일이 아닙니다.", "Not a key file of gwanje officer, or it was altered."),
    "bundle_cipher": (
        "ARIA로 봉인된 영상은 이 판에서 증거 묶음으로 만들 수 없습니다(검증 도구가 열지 못합니다).",
        "Video sealed with ARIA makes no bundle in this version: the verifiers do not open it.",
    ),
    "attempt_samples": (
        "파기 검증에 쓸 표본 파일이 없거나 읽을 수 없습니다.",
        "A file of samples for the attempt is missing or no plain file.",
    ),
    "attempt_failed": (
        "파기 검증 과정이 끝까지 이루어지지 않았습니다. 확인서는 발급되지 않습니다.",
        "The attempt was not completed; no certificate is issued.",
    ),
    "attempt_unknown": (
        "그런 파기 검증이 없습니다. 키 관리 서비스가 다시 시작되었을 수 있습니다.",
        "No such attempt; vaultd may have been started again.",
    ),
    "checkpoint_lost": (
        "토큰에 마지막으로 서명한 검증 지점의 기록이 없습니다. 서명하지 않습니다. 공개된 검증 지점을 증인의 것과 "
        "견준 뒤 담당공무원 2명이 gwanje vault take-head를 실행하십시오.",
        "The token has no record of what was signed last: nothing is signed. Compare the published checkpoint with "
        "a witness's, then two officers run gwanje vault take-head.",
    ),
    "checkpoint_note": (
        "이 센터가 서명한 검증 지점이 아닙니다.",
        "Not a checkpoint that this centre's vaultd signed.",
    ),
}
