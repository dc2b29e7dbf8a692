//! Random labs, random edits of them, and their text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::rng::Rng;

/// What a profile says, before it is text.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// The letters of the zones; none leaves it to the catalogue.
    zones: BTreeSet<char>,
    cidr: &'static str,
    my_ip: bool,
    operators: BTreeSet<&'static str>,
    ports: BTreeMap<&'static str, (u16, &'static str)>,
    tag: u64,
    /// What follows `[metrics]`, if there is such a section.
    watch: Option<&'static str>,
    groups: BTreeMap<&'static str, Group>,
    /// Groups that an edit has taken out, as they were.
    gone: BTreeMap<&'static str, Group>,
}

#[derive(Debug, Clone)]
struct Group {
    count: u64,
    types: Vec<&'static str>,
    market: &'static str,
    image: &'static str,
    elastic_ip: bool,
    root_gib: u64,
    volumes: BTreeMap<&'static str, (u64, bool)>,
    placement_group: bool,
    prevent_destroy: bool,
    shutdown: &'static str,
}

const NAMES: [&str; 3] = ["sim", "arm", "train"];
const TYPES: [&str; 4] = ["g5.xlarge", "g6.xlarge", "g4dn.xlarge", "g5.2xlarge"];
const MARKETS: [&str; 4] = ["on-demand", "on-demand", "spot", "spot-then-on-demand"];
const IMAGES: [&str; 3] = ["ubuntu-22.04", "ubuntu-22.04", "ubuntu-24.04"];
const VOLUMES: [&str; 2] = ["data", "logs"];
const OPERATORS: [&str; 3] = ["203.0.113.7/32", "198.51.100.0/24", "192.0.2.44/32"];
const WATCHES: [&str; 5] = [
    "",
    "",
    "gpu_hot_celsius = 70",
    "alarms = false",
    "dashboard = false",
];
const PORTS: [(&str, u16); 3] = [("ssh", 22), ("foxglove", 8765), ("web", 8443)];

impl Shape {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let mut shape = Self {
            zones: BTreeSet::new(),
            cidr: "10.0.0.0/16",
            my_ip: rng.chance(30),
            operators: BTreeSet::from([OPERATORS[0]]),
            ports: BTreeMap::from([("ssh", (22, "operators"))]),
            tag: 0,
            watch: rng.chance(60).then(|| rng.pick(&WATCHES)),
            groups: BTreeMap::new(),
            gone: BTreeMap::new(),
        };
        for _ in 0..rng.between(1, 2) {
            let zone = zone(rng);
            shape.zones.insert(zone);
        }
        if rng.chance(10) {
            shape.zones.clear();
        }
        for name in NAMES.iter().take(rng.index(2) + 1) {
            shape.groups.insert(name, Group::new(rng));
        }
        shape
    }

    /// One edit, as people make them.
    pub(crate) fn edit(&mut self, rng: &mut Rng) {
        match rng.below(14) {
            0 => drop(self.zones.insert(zone(rng))),
            1 if self.zones.len() > 1 => drop(self.zones.pop_first()),
            2 => self.tag += 1,
            3 => drop(self.operators.insert(rng.pick(&OPERATORS))),
            4 if self.operators.len() > 1 => drop(self.operators.pop_first()),
            5 => {
                let (name, port) = PORTS[rng.index(PORTS.len())];
                let from = rng.pick(&["operators", "tunnel", "192.0.2.0/24"]);
                self.ports.insert(name, (port, from));
            }
            6 if self.groups.len() < NAMES.len() && rng.chance(50) => {
                let name = rng.pick(&NAMES);
                self.groups.entry(name).or_insert_with(|| Group::new(rng));
            }
            7 if self.groups.len() > 1 && rng.chance(60) => {
                self.gone.extend(self.groups.pop_last());
            }
            8 => self.watch = Some(rng.pick(&WATCHES)),
            9 if rng.chance(50) => self.watch = None,
            _ => {
                let names: Vec<&str> = self.groups.keys().copied().collect();
                let name = names[rng.index(names.len())];
                let group = self.groups.get_mut(name).expect("it is one of them");
                group.edit(rng);
            }
        }
    }

    /// Lifts every protection. What was protected when its group left the profile comes back for that, as the error says.
    pub(crate) fn unprotect(&mut self) {
        for (name, group) in std::mem::take(&mut self.gone) {
            self.groups.entry(name).or_insert(group);
        }
        for group in self.groups.values_mut() {
            group.prevent_destroy = false;
        }
    }

    /// Allows every zone that there may be data in, and spreads nothing over two.
    pub(crate) fn everywhere(&mut self) {
        self.zones.extend(['a', 'b', 'c', 'd']);
        for group in self.groups.values_mut() {
            group.placement_group = false;
        }
    }

    /// The profile.
    pub(crate) fn text(&self) -> String {
        let mut text =
            String::from("version = 1\n[lab]\nname = \"twin\"\nregion = \"us-east-1\"\n");
        let mut line = |words: String| text.extend([words.as_str(), "\n"]);
        if self.tag > 0 {
            line(format!("tags = {{ project = \"p{}\" }}", self.tag));
        }
        line(format!("[network]\ncidr = \"{}\"", self.cidr));
        if !self.zones.is_empty() {
            let zones: Vec<_> = self
                .zones
                .iter()
                .map(|z| format!("\"us-east-1{z}\""))
                .collect();
            line(format!("zones = [{}]", zones.join(", ")));
        }
        let mut operators: Vec<_> = self.operators.iter().map(|o| format!("\"{o}\"")).collect();
        if self.my_ip {
            operators.push("\"my-ip\"".to_owned());
        }
        line(format!("[access]\noperators = [{}]", operators.join(", ")));
        for (name, (port, from)) in &self.ports {
            let from = if from.contains('/') {
                format!("[\"{from}\"]")
            } else {
                format!("\"{from}\"")
            };
            line(format!(
                "[access.port.{name}]\nport = {port}\nfrom = {from}"
            ));
        }
        for (name, group) in &self.groups {
            line(group.text(name));
        }
        if let Some(watch) = self.watch {
            line(format!("[metrics]\nnamespace = \"Twin\"\n{watch}"));
        }
        text
    }
}

fn zone(rng: &mut Rng) -> char {
    ['a', 'b', 'c', 'd'][rng.index(4)]
}

impl Group {
    fn new(rng: &mut Rng) -> Self {
        let mut group = Self {
            count: rng.between(1, 3),
            types: Vec::new(),
            market: rng.pick(&MARKETS),
            image: rng.pick(&IMAGES),
            elastic_ip: rng.chance(40),
            root_gib: 100,
            volumes: BTreeMap::new(),
            placement_group: rng.chance(10),
            prevent_destroy: rng.chance(4),
            shutdown: if rng.chance(85) { "stop" } else { "terminate" },
        };
        let first = rng.index(TYPES.len());
        for place in 0..=rng.index(3) {
            group.types.push(TYPES[(first + place) % TYPES.len()]);
        }
        if rng.chance(50) {
            group
                .volumes
                .insert(rng.pick(&VOLUMES), (rng.between(10, 60), rng.chance(40)));
        }
        group
    }

    fn edit(&mut self, rng: &mut Rng) {
        match rng.below(13) {
            0 | 1 => self.count = rng.between(0, 4),
            2 => self.types.rotate_left(1),
            3 => self.types = vec![rng.pick(&TYPES)],
            4 => self.market = rng.pick(&MARKETS),
            5 => self.elastic_ip = !self.elastic_ip,
            6 => self.root_gib += 20,
            7 => drop(
                self.volumes
                    .insert(rng.pick(&VOLUMES), (rng.between(10, 60), rng.chance(40))),
            ),
            8 => drop(self.volumes.pop_first()),
            9 => {
                for (size, keep) in self.volumes.values_mut() {
                    *size += rng.between(0, 10);
                    *keep ^= rng.chance(30);
                }
            }
            10 => self.placement_group ^= rng.chance(40),
            11 => self.image = rng.pick(&IMAGES),
            _ => self.prevent_destroy = rng.chance(20),
        }
    }

    fn text(&self, name: &str) -> String {
        let mut types = self.types.clone();
        types.dedup();
        let mut text = format!("[node.{name}]\ncount = {}\ntypes = {types:?}\n", self.count);
        let mut put = |words: std::fmt::Arguments<'_>| {
            text.write_fmt(words).expect("a text takes everything");
        };
        put(format_args!(
            "market = \"{}\"\nimage = \"{}\"\n",
            self.market, self.image
        ));
        put(format_args!(
            "root_volume = {{ size_gib = {} }}\n",
            self.root_gib
        ));
        put(format_args!("shutdown = \"{}\"\n", self.shutdown));
        for (what, is) in [
            ("elastic_ip", self.elastic_ip),
            ("placement_group", self.placement_group),
            ("prevent_destroy", self.prevent_destroy),
        ] {
            if is {
                put(format_args!("{what} = true\n"));
            }
        }
        for (volume, (size, keep)) in &self.volumes {
            put(format_args!(
                "volume.{volume} = {{ size_gib = {size}, mount = \"/{volume}\", keep = {keep} }}\n"
            ));
        }
        text
    }
}
