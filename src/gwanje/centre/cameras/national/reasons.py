"""Why a row was refused, repaired or remarked (사유): codes with their words in both languages."""

from __future__ import annotations

REFUSED: dict[str, tuple[str, str]] = {
    "columns": ("열 수가 머리글과 다릅니다", "the number of cells differs from the header"),
    "agency_blank": ("관리기관명이 비어 있습니다", "the managing agency is blank"),
    "address_blank": ("도로명·지번 주소가 모두 없습니다", "neither road nor lot address is given"),
    "purpose_unknown": ("설치목적구분이 표준 10종이 아닙니다", "the purpose is none of the ten of the standard"),
    "cameras_bad": (
        "카메라대수가 1~500의 정수가 아닙니다",
        "the number of cameras is not a whole number from 1 to 500",
    ),
    "coordinate_bad": ("위도·경도를 숫자로 읽을 수 없습니다", "latitude or longitude is not a number"),
    "coordinate_zero": ("위도·경도가 0이거나 비어 있습니다", "the coordinate is zero or blank"),
    "coordinate_outside": ("좌표가 대한민국 밖입니다", "the coordinate lies outside Korea"),
    "coordinate_far": (
        "좌표가 같은 기관의 다른 지점에서 지나치게 멉니다",
        "the coordinate is far from all other places of the agency",
    ),
    "text_control": ("제어 문자나 수식이 들어 있습니다", "a cell holds control characters or a formula"),
    "text_long": ("글자 수가 300자를 넘습니다", "a cell is longer than 300 characters"),
}
REPAIRED: dict[str, tuple[str, str]] = {
    "spaces": ("앞뒤·중복 공백을 정리", "surplus spaces removed"),
    "agency_spelling": ("기관명 표기를 통일(청 붙임, 괄호 부서 뺌)", "agency spelling made uniform"),
    "address_placeholder": ("‘주소 없음’류 문구를 뺌", "a phrase like 'no address' was taken out"),
    "purpose_spelling": ("설치목적 표기를 표준으로", "purpose spelling set to the standard's"),
    "pixels_zero": ("화소수 0 → 미상", "pixel count 0 became not stated"),
    "pixels_bad": ("화소수를 읽을 수 없어 미상으로", "unreadable pixel count became not stated"),
    "retention_zero": ("보관일수 0 → 미상", "retention 0 became not stated"),
    "retention_bad": ("보관일수를 읽을 수 없어 미상으로", "unreadable retention became not stated"),
    "installed_excel": (
        "설치연월 1905년(스프레드시트 날짜 오류) → 미상",
        "installed in 1905 (a spreadsheet's date accident) became not stated",
    ),
    "installed_future": (
        "설치연월이 기준일자보다 1년 넘게 뒤 → 미상",
        "installed more than a year after the data's own date: not stated",
    ),
    "installed_bad": ("설치연월을 읽을 수 없어 미상으로", "unreadable installation month became not stated"),
    "installed_form": ("설치연월 표기를 YYYY-MM으로", "installation month rewritten as YYYY-MM"),
    "coordinate_swapped": ("위도와 경도가 바뀌어 바로잡음", "latitude and longitude were swapped back"),
    "phone_bad": ("전화번호 형식이 아니어서 빈칸으로", "what is no telephone number became blank"),
    "date_form": ("데이터기준일자 표기를 YYYY-MM-DD로", "data date rewritten as YYYY-MM-DD"),
    "date_bad": ("데이터기준일자를 읽을 수 없어 빈칸으로", "unreadable data date became blank"),
}
REMARKED: dict[str, tuple[str, str]] = {
    "installed_blank": ("설치연월 빈칸", "installation month blank"),
    "duplicate": ("번호 말고는 같은 행(둘째부터)", "equal to an earlier row but for its number"),
    "many_cameras": ("한 지점에 카메라 50대 초과", "more than 50 cameras at one place"),
    "retention_long": ("보관일수 30일 초과: 근거 법령 확인", "retention over 30 days: check its statute"),
}


def label(code: str, language: str = "ko") -> str:
    """The words of a code; unknown codes are shown as they are."""
    for table in (REFUSED, REPAIRED, REMARKED):
        if code in table:
            return table[code][0 if language == "ko" else 1]
    return code
