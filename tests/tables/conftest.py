"""A small chain (one mine, one separation, two magnet plants, one market) as a case and as shared tables."""

import shutil
from pathlib import Path

import pytest

from optimizer.errors import DataProblem
from optimizer.tables.case import load_case
from optimizer.tables.locate import data_root

TOML = """title = "Toy"
base = "none"

[horizon]
first_year = 2027
last_year = 2029
"""

PLANT = "availability_share,sale_ceiling_share,toll_ceiling_share,is_aggregate,port"

CASE_TABLES = {
    "markets": "market,name,country_iso3,latitude,longitude,segment,criticality,port\nmotors,Motors,BBB,1,2,civil,1,\n",
    "market_products": "market,product,substitution_usd_per_kg,use_kg_per_kg\nmotors,magnet_n,0,1\n",
    "demand": "market,year,demand_t_per_year\nmotors,2027,10\nmotors,2029,30\n",
    "qualified": "facility,product,market\nmagnet_a,magnet_n,*\n",
    "contracts": "offer,committed_t_per_year,end_year\nsale_a,5,2028\n",
    "stock_policies": "place,product,opening_t,max_t,min_t,carrying_share_per_year,storage_usd_per_t_year\n"
    "motors,magnet_n,1,20,0,0.05,100\nmagnet_b,oxide_x,0,20,0,0.05,100\n",
}

BASE_TABLES = {
    "countries": "country_iso3,name\nAAA,Aland\nBBB,Bland\n",
    "country_groups": "group,country_iso3\nboth,AAA\nboth,BBB\n",
    "products": "product,name,form,ore,basis,tracked_share,reference_price_usd_per_kg,control_group,is_storable,"
    "is_air_freighted\n"
    "conc_k,Concentrate,concentrate,kite,reo,,5,,false,false\n"
    "oxide_x,Oxide X,oxide,,oxide,1,60,heavy,true,false\n"
    "rest_k,Rest,bundle,kite,oxide,,2,,true,false\n"
    "magnet_n,Magnet,magnet,,magnet,0.3,70,,true,true\n",
    "compositions": "ore,component,share,is_tracked\nkite,x,0.2,true\nkite,y,0.8,false\n",
    "routes": "route,name,stage,kind,feed_form,bundle_form,bundle_yield_share\n"
    "dig,Mining,mine,source,,concentrate,\n"
    "split,Separation,separation,split,concentrate,bundle,0.9\n"
    "press,Magnet making,magnet,blend,,,\n",
    "route_flows": "route,direction,item,product,t_per_t\nsplit,out,x,oxide_x,0.95\n"
    "press,in,oxide_x,oxide_x,0.4\npress,out,magnet_n,magnet_n,1\n",
    "facilities": "facility,name,operator,country_iso3,latitude,longitude,stage,status,ore,start_year,ramp_up_years,"
    f"capacity_t_per_year,capacity_basis,{PLANT}\n"
    "mine_k,Mine K,Oryx,AAA,10,20,mine,operating,kite,2000,,1000,output,0.9,0.15,0.1,false,\n"
    "sep_k,Separation K,Oryx,AAA,10,21,separation,operating,,2000,,1000,feed,0.9,0.15,0.1,false,\n"
    "magnet_a,Magnet A,Alpha,AAA,11,20,magnet,operating,,2000,,500,output,0.9,0.15,0.1,false,\n"
    "magnet_b,Magnet B,Beta,BBB,1,2,magnet,planned,,,2,300,output,0.9,0.15,0.1,false,\n",
    "facility_routes": "facility,route\nmine_k,dig\nsep_k,split\nmagnet_a,press\nmagnet_b,press\n",
    "links": "from_facility,to_facility,form,layer\nmine_k,sep_k,concentrate,supplier\n"
    "sep_k,magnet_a,oxide,supplier\nsep_k,magnet_b,oxide,buyer\n",
    "offers": "offer,kind,facility,product,route,price_usd_per_kg,min_t_per_year,max_t_per_year,term_years,"
    "first_start_year,last_start_year,take_or_pay_share,surge_share,first_stage,last_stage,is_net_of_credit,"
    "money_year\n"
    "sale_a,sale,magnet_a,magnet_n,,65,1,50,3,2027,2029,0.8,0.15,mine,magnet,true,2025\n"
    "sale_x,sale,sep_k,oxide_x,,60,1,50,3,2027,2029,0.8,0.15,mine,separation,true,2025\n"
    "toll_b,toll,magnet_b,magnet_n,press,20,1,50,3,2027,2029,0.8,0.15,magnet,magnet,true,2025\n",
    "passages": "passage,name,latitude,longitude\nstrait,The Strait,0,0\n",
    "events": "event,name,cause,rate_per_year,story\nban,Export ban,policy,0.1,Exports stop.\n",
    "event_effects": "event,effect,target,facility,country,operator,stage,control_group,form,destination,segment,"
    "passage,origin_rule,is_project_only,from_month,to_month,open_share,price_multiple\n"
    "ban,1,lane,*,AAA,*,*,heavy,*,both,*,*,*,false,0,6,0,3\n",
}


class CaseFolder:
    """A case on disk whose files a test changes."""

    def __init__(self, folder: Path, data: Path | None = None):
        self.folder, self.data = folder, data

    def write(self, file: str, text: str) -> None:
        (self.folder / file).write_text(text, encoding="utf-8", newline="")

    def text(self, table: str) -> str:
        return (self.folder / f"{table}.csv").read_text(encoding="utf-8")

    def replace(self, table: str, old: str, new: str) -> None:
        text = self.text(table)
        assert old in text
        self.write(f"{table}.csv", text.replace(old, new))

    def toml(self, extra: str, top: str = "") -> None:
        text = (self.folder / "case.toml").read_text(encoding="utf-8")
        self.write("case.toml", top + text + extra)

    def load(self):
        return load_case(self.folder, data=self.data)

    def problems(self):
        with pytest.raises(DataProblem) as raised:
            self.load()
        return list(raised.value.problems)

    def problem(self):
        """Return the one problem of the case."""
        problems = self.problems()
        assert len(problems) == 1, "\n".join(map(str, problems))
        return problems[0]


def _write(folder: Path, tables: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.fixture
def alone(tmp_path) -> CaseFolder:
    """A case that brings all tables itself."""
    _write(tmp_path / "toy", BASE_TABLES | CASE_TABLES)
    case = CaseFolder(tmp_path / "toy")
    case.write("case.toml", TOML)
    return case


@pytest.fixture
def shared(tmp_path) -> CaseFolder:
    """A case on shared tables of its own data folder."""
    from optimizer.tables.package import load_package

    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(data_root() / "datapackage.json", data)
    for resource in load_package(data).resources.values():
        if resource.is_case_table:
            continue
        lines = BASE_TABLES.get(resource.name, ",".join(resource.columns)).splitlines()
        if "confidence" in resource.columns and resource.name in BASE_TABLES:
            lines = [lines[0] + ",source_id,confidence", *(f"{line},src,reported" for line in lines[1:])]
        if resource.name == "sources":
            lines = ["source_id,title", "src,A source"]
        (data / resource.path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    _write(tmp_path / "buyer" / "toy", CASE_TABLES)
    case = CaseFolder(tmp_path / "buyer" / "toy", data)
    case.write("case.toml", TOML.replace('base = "none"\n', ""))
    return case
