"""The catalogues: every entry is well formed, and none rests on what any program may be called."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from muster_agent import catalogue
from muster_agent.catalogue import PATTERNS, PROVES_PRESENCE, Catalogue, Product
from muster_agent.evidence.names import Names

PRODUCTS = catalogue.products()
REMOTE = catalogue.remote_access()
BOTH = (PRODUCTS, REMOTE)
SCHEMA = json.loads((Path(catalogue.__file__).parent / "schema.json").read_text("utf-8"))
ENTRY = {
    "id": "x",
    "name": "X",
    "vendor": "V",
    "type": "av",
    "confidence": "low",
    "linux": {"paths": ["/opt/x"]},
    "windows": {"display_names": ["X Antivirus*"]},
    "darwin": {"apps": ["X.app"]},
}
# Names of programs that public lists of antivirus give, and that many others bear too.
TOO_GENERIC = ["agentservice", "pc", "httpd", "server", "patch", "scanner", "sfc", "cb", "smc", "notifier"]


def every(known: Catalogue) -> list[tuple[Product, str, Any]]:
    """(product, system, its evidence there)."""
    return [
        (product, system, getattr(product, system))
        for product in known.products
        for system in PATTERNS
        if getattr(product, system) is not None
    ]


def one(**change: Any) -> bytes:
    """A catalogue of one product."""
    entry = {name: value for name, value in {**ENTRY, **change}.items() if value is not None}
    return json.dumps({"products": [entry]}).encode()


# -- what stands in them ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", BOTH, ids=("products", "remote_access"))
def test_a_product_is_known_by_something_that_only_it_has(known: Catalogue) -> None:
    for product, system, evidence in every(known):
        assert any(getattr(evidence, kind) for kind in PROVES_PRESENCE[system]), f"{product.id} on {system}"
        for path in evidence.paths:
            folders = path.count("\\" if system == "windows" else "/")
            assert folders >= (1 if system == "windows" else 2), f"{path} is a folder of the system"
            assert not path.startswith(("/home", "/tmp", "/var/tmp", "/dev/shm", "/Users")), "anybody may write there"


@pytest.mark.parametrize("known", BOTH, ids=("products", "remote_access"))
def test_no_two_products_rest_on_the_same_evidence(known: Catalogue) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    for product, system, evidence in every(known):
        for kind in PROVES_PRESENCE[system]:
            for value in getattr(evidence, kind):
                key = (system, kind, "".join(value.split()).lower() if kind == "display_names" else value)
                assert key not in seen, f"{product.id} and {seen[key]}: {value}"
                seen[key] = product.id


def test_a_program_that_protects_is_not_also_one_that_does_not() -> None:
    for known in BOTH:
        for product, system, evidence in every(known):
            if system == "windows":
                assert not {n.lower() for n in evidence.processes} & {n.lower() for n in evidence.companions}, (
                    product.id
                )


@pytest.mark.parametrize("name", TOO_GENERIC)
def test_a_generic_name_counts_in_the_products_own_folder_only(name: str) -> None:
    assert name + ".exe" in PRODUCTS.generic


def test_remote_control_programs_are_none_of_protection() -> None:
    assert {product.type for product in REMOTE.products} == {catalogue.REMOTE}
    assert catalogue.REMOTE not in {product.type for product in PRODUCTS.products}


@pytest.mark.parametrize("wanted", ["sunlogin", "awesun", "todesk", "teamviewer", "anydesk", "rustdesk", "gotohttp"])
def test_the_remote_control_programs_offices_ask_for_are_known(wanted: str) -> None:
    assert wanted in {product.id for product in REMOTE.products}


def test_the_design_note_agrees_about_who_makes_what_and_what_it_is(shared: Path) -> None:
    """Every product of the note is known, and "av/edr" is av first."""
    noted = json.loads((shared / "design/antivirus_catalogue.json").read_text("utf-8"))
    known = {product.id: product for product in PRODUCTS.products}
    assert len(noted) == 93
    for entry in noted:
        kinds = re.findall(r"[a-z]+", entry["type"])
        wanted = next((kind for kind in ("av", "edr") if kind in kinds), kinds[0])
        assert known[entry["id"]].type == wanted, entry["id"]
        assert known[entry["id"]].confidence[0] == entry["confidence"].lower(), entry["id"]


@pytest.mark.parametrize(
    ("program", "product"),
    [
        ("kxetray.exe", "kingsoft-duba"),  # a list gives it to 安天
        ("HipsDaemon.exe", "huorong"),  # one list gives it to 360, another to Kaspersky
        ("wsctrlsvc.exe", "huorong"),
        ("gov_defence_service.exe", "gov-g01"),  # a list gives it to 云锁
        ("ds_monitor.exe", None),  # 亚信 in one list, 安天 in another
        ("1433.exe", None),  # a scanner
    ],
)
def test_known_mistakes_of_public_lists_are_not_repeated(program: str, product: str | None) -> None:
    owners = {
        found.id
        for found, system, evidence in every(PRODUCTS)
        if system == "windows" and program.lower() in {n.lower() for n in (*evidence.processes, *evidence.companions)}
    }
    assert owners == ({product} if product else set())


# -- whose a name is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "publisher", "product"),
    [
        ("火绒安全软件", None, "huorong"),
        ("火绒终端安全管理系统", None, "huorong-esm"),
        ("360 杀毒", None, "360-sd"),
        ("360杀毒", None, "360-sd"),
        ("360天擎终端安全管理系统", None, "qax-360ent"),
        ("奇安信无边界安全系统防护", None, "qax-wubianjie"),
        ("奇安信可信浏览器", None, None),
        ("金山毒霸企业版", None, "kingsoft-leopard"),
        ("金山毒霸", None, "kingsoft-duba"),
        ("电脑管家 17.6", "腾讯科技(深圳)有限公司", "tencent-pcmgr"),
        ("电脑管家", "某某公司", None),
        ("华为电脑管家", "华为终端有限公司", None),
        ("联想电脑管家", None, "lenovo-pcmgr"),
        ("亚信安全防毒墙网络版客户端", None, "asiainfo-osce"),
        ("Kaspersky Endpoint Security for Windows", "AO Kaspersky Lab", "kaspersky"),
        ("Kaspersky Security Center Network Agent", "AO Kaspersky Lab", None),
        ("卡巴斯基安全中心网络代理", None, None),
        ("Symantec Endpoint Protection", None, "symantec-sep"),
        ("Symantec Endpoint Protection Manager", None, None),
        ("Sentinel Agent", "SentinelOne", "sentinelone"),
        ("Sentinel Agent", "Some Sentinel Ltd", None),
        ("FortiClient", None, "fortinet"),
        ("FortiClient VPN", None, None),
        ("Malwarebytes version 5.2.1.170", None, "malwarebytes"),
        ("Malwarebytes Privacy VPN", None, None),
        ("Check Point Endpoint Security VPN", None, None),
        ("WatchGuard Mobile VPN with SSL client 12.10", None, None),
        ("Avast Secure Browser", None, None),
        ("AVG Secure VPN", None, None),
        ("Bitdefender VPN", None, None),
        ("COMODO Dragon", None, None),
        ("ESET Management Agent", None, None),
        ("Sophos Connect", None, None),
        ("Elastic Agent", None, None),
        ("Norton Power Eraser", None, None),
        ("", None, None),
    ],
)
def test_whose_a_display_name_is(name: str, publisher: str | None, product: str | None) -> None:
    found = Names(PRODUCTS).product(name, publisher)
    assert (found.id if found else None) == product


# Consoles, servers, VPNs, scanners and gadgets of makers of protection: the list of programs holds them too.
OTHERS = [
    "Norton Security Scan",
    "ESET Endpoint Encryption",
    "Panda Dome VPN",
    "Kaspersky Security for Windows Server Administration Plug-in",
    "Kaspersky Endpoint Security 12 for Windows Management Plug-in",
    "Kaspersky Plus VPN",
    "Trend Micro Apex One Server",
    "火绒终端安全管理系统控制中心",
    "火绒终端安全 卸载工具",
    "Dr.Web CureIt!",
    "360终端安全管理系统控制台",
    "360安全卫士-壁纸",
    "联想电脑管家应用商店",
    "电脑管家小助手",
    "天珣网络准入控制系统",
    "深信服终端安全准入客户端",
    "天融信终端VPN客户端",
    "VIPRE VPN",
    "Webroot SecureAnywhere Identity",
    "eScan Management Console",
    "Bitdefender Endpoint Security Tools Relay",
    "ClamWin",
    "Avira Security VPN",
    "天擎终端安全管理系统 控制中心",
    "OneSECx",
    "青藤云演示工具",
    "绿盟终端准入",
    "山石网科终端VPN",
    "瑞星终端安全管理系统中心",
    "江民终端安全管理中心",
    "Avast Business Uninstaller",
    "Seqrite Endpoint Security Management Server",
]
# What Windows itself calls them, in both languages.
REGISTERED = {
    "McAfee VirusScan": "mcafee",
    "McAfee LiveSafe": "mcafee",
    "McAfee Total Protection": "mcafee",
    "McAfee VirusScan Enterprise": "trellix-ens",
    "趋势科技防毒墙网络版客户端": "trend-apexone",
    "趋势科技 Apex One 安全客户端": "trend-apexone",
    "Trend Micro Maximum Security": "trend-titanium",
    "Bitdefender 杀毒软件": "bitdefender",
    "诺顿安全": "norton",
    "卡巴斯基": "kaspersky",
    "ESET 安全": "eset",
    "天擎": "qax-tianqing",
    "江民赤豹": "jiangmin",
    "ESET Server Security": "eset",
    "Kaspersky Security for Windows Server": "kaspersky",
    "Dr.Web Anti-virus": "drweb",
    "eScan Internet Security": "escan",
    "VIPRE Advanced Security": "vipre",
    "Webroot SecureAnywhere": "webroot",
    "OneSEC": "threatbook",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_products_of_the_makers_are_no_protection(name: str) -> None:
    assert Names(PRODUCTS).product(name, None) is None


@pytest.mark.parametrize(("name", "product"), REGISTERED.items())
def test_the_names_windows_gives_are_known(name: str, product: str) -> None:
    found = Names(PRODUCTS).product(name, None)
    assert (found.id if found else None) == product


@pytest.mark.parametrize("words", ["VPN", [""], [1], ["VPN", "VPN"]], ids=str)
def test_words_of_other_products_are_texts_each_once(words: Any) -> None:
    said = json.loads(one())
    with pytest.raises(ValueError, match="not_names"):
        catalogue.parse(json.dumps({**said, "not_names": words}).encode())


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("向日葵远程控制", "sunlogin"),
        ("ToDesk", "todesk"),
        ("TeamViewer", "teamviewer"),
        ("TeamViewer 15 Host", "teamviewer"),
        ("TeamViewer Meeting", None),
        ("Radmin Server 3.5.2", "radmin"),
        ("Radmin Viewer 3.5.2", None),
        ("Radmin VPN 1.4", None),
        ("VNC Viewer 7.12", None),
        ("LogMeIn Client", None),
        ("企业微信", None),
        ("腾讯会议", None),
        ("QQ", None),
        ("Microsoft Teams", None),
    ],
)
def test_what_steers_a_pc_and_what_only_looks_like_it(name: str, product: str | None) -> None:
    found = Names(REMOTE).product(name, None)
    assert (found.id if found else None) == product


def test_a_file_name_that_two_products_bear_is_nobodys() -> None:
    names = Names(PRODUCTS)
    assert names.owner(r"C:\x\HipsDaemon.exe") is not None
    for program in ("ccSvcHst.exe", "MsMpEng.exe", "AgentService.exe", "sfc.exe", "unheard-of.exe"):
        assert names.owner("C:\\x\\" + program) is None, program


# -- the schema and the loader say the same --------------------------------------------------------------------------


def complaints(said: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """What of ``said`` breaks ``schema``: the keywords of JSON Schema (draft 2020-12) that ours is made of."""
    known = {"$schema", "$defs", "title", "description"}
    rest = dict(schema)
    if "$ref" in rest:
        target = SCHEMA
        for part in rest.pop("$ref").lstrip("#/").split("/"):
            target = target[part]
        return complaints(said, {**target, **rest}, where)
    found = []
    kinds = {"object": dict, "array": list, "string": str}
    for keyword, value in rest.items():
        if keyword in known:
            continue
        if keyword == "type":
            if not isinstance(said, kinds[value]):
                return [f"{where}: no {value}"]
        elif keyword == "enum":
            found += [] if said in value else [f"{where}: {said!r}"]
        elif keyword == "pattern":
            found += [] if re.search(value, said) else [f"{where}: {said!r}"]
        elif keyword == "minLength" or keyword == "minItems":
            found += [] if len(said) >= value else [f"{where}: empty"]
        elif keyword == "uniqueItems":
            found += [] if len({json.dumps(item) for item in said}) == len(said) else [f"{where}: twice"]
        elif keyword == "items":
            found += [line for number, item in enumerate(said) for line in complaints(item, value, f"{where}/{number}")]
        elif keyword == "required":
            found += [f"{where}: no {name}" for name in value if name not in said]
        elif keyword == "properties":
            found += [
                line
                for name in value
                if name in said
                for line in complaints(said[name], value[name], f"{where}/{name}")
            ]
        elif keyword == "additionalProperties":
            found += [f"{where}/{name}" for name in said if name not in rest["properties"]]
        elif keyword == "anyOf":
            found += [] if any(not complaints(said, each, where) for each in value) else [f"{where}: none of {value}"]
        else:
            raise AssertionError(f"a keyword this check does not know: {keyword}")
    return found


@pytest.mark.parametrize("name", ["products.json", "remote_access.json"])
def test_a_catalogue_fits_its_schema(name: str) -> None:
    said = json.loads((Path(catalogue.__file__).parent / name).read_text("utf-8"))
    assert complaints(said, SCHEMA) == []
    assert said["$schema"] == "schema.json"  # an editor finds it beside the file


def test_the_schema_asks_for_what_the_loader_asks_for() -> None:
    for system, kinds in PATTERNS.items():
        said = SCHEMA["$defs"][system]
        assert {kind: each["items"]["pattern"] for kind, each in said["properties"].items()} == {
            kind: f"^{pattern}$" for kind, pattern in kinds.items()
        }
        assert {each["required"][0] for each in said["anyOf"]} == set(PROVES_PRESENCE[system])
    product = SCHEMA["$defs"]["product"]
    assert set(product["properties"]) == catalogue.REQUIRED | catalogue.OPTIONAL
    assert set(product["required"]) == catalogue.REQUIRED
    assert tuple(product["properties"]["type"]["enum"]) == catalogue.TYPES


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"id": "Ä"},
        {"type": "antivirus"},
        {"type": None},
        {"confidence": "sure"},
        {"name": 7},
        {"extra": "x"},
        {"linux": None, "windows": None, "darwin": None},
        {"linux": {}},
        {"linux": {"processes": ["clamd"]}},
        {"linux": {"paths": []}},
        {"linux": {"paths": ["/opt/x", "/opt/x"]}},
        {"linux": {"paths": ["opt/x"]}},
        {"linux": {"paths": ["/opt"]}},
        {"linux": {"paths": ["/opt/x/"]}},
        {"linux": {"paths": ["/opt/*"]}},
        {"linux": {"packages": ["a b"]}},
        {"linux": {"packages": "ab"}},
        {"linux": {"services": ["x/y"]}},
        {"linux": {"proceses": ["x"]}},
        {"linux": []},
        {"windows": {"processes": ["x.exe"]}},
        {"windows": {"companions": ["x.exe"], "publishers": ["X"]}},
        {"windows": {"display_names": ["*"]}},
        {"windows": {"display_names": ["a*b"]}},
        {"windows": {"services": ["x"], "processes": ["HipsDaemon"]}},
        {"windows": {"paths": ["C:\\X\\x.exe"]}},
        {"windows": {"paths": ["%TEMP%\\x.exe"]}},
        {"windows": {"paths": ["%ProgramFiles%"]}},
        {"darwin": {"processes": ["x"]}},
        {"darwin": {"folders": ["/Library/X"]}},
        {"darwin": {"apps": ["X"]}},
        {"darwin": {"launchd": ["x"]}},
    ],
    ids=str,
)
def test_a_mistake_is_refused_by_the_loader_and_marked_by_the_schema(change: dict[str, object]) -> None:
    data = one(**change)
    with pytest.raises(ValueError):
        catalogue.parse(data)
    assert complaints(json.loads(data), SCHEMA)


def test_what_has_no_mistake_is_accepted_by_both() -> None:
    assert [product.id for product in catalogue.parse(one()).products] == ["x"]
    assert complaints(json.loads(one()), SCHEMA) == []


def test_products_stand_once_and_in_order() -> None:
    def of(*ids: str, **more: Any) -> bytes:
        return json.dumps({"products": [{**ENTRY, "id": name, **more} for name in ids]}).encode()

    assert [product.id for product in catalogue.parse(of("x", "y")).products] == ["x", "y"]
    for ids in (("x", "x"), ("y", "x")):
        with pytest.raises(ValueError, match="order"):
            catalogue.parse(of(*ids))


@pytest.mark.parametrize("variant_of", ["x", "nobody"])
def test_a_variant_is_of_another_product_that_is_known(variant_of: str) -> None:
    with pytest.raises(ValueError, match="no other product"):
        catalogue.parse(one(variant_of=variant_of))


@pytest.mark.parametrize(
    "data", [b"[]", b"{}", b'{"products": [7]}', b'{"products": [], "generic": ["A.exe"]}', b"\xff"]
)
def test_what_is_no_catalogue_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        catalogue.parse(data)
