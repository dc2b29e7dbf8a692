//! Every stack, rendered in every way that matters, read as YAML and looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use yaml_rust2::{Yaml, YamlLoader};

use super::{HostGpu, StackTemplate, StackWish, stack_templates};

/// What may stand in a profile and would do harm where it is not quoted.
const ATTACK: &str = "x\"\n  evil: {{ port }} '$(id) ${HOME} `id` # : - [a, {b";

fn wish(template: &Arc<StackTemplate>, components: &[&str], gpu: HostGpu) -> StackWish {
    let secrets = template
        .components
        .values()
        .flat_map(|one| one.secrets.clone());
    StackWish {
        template: Arc::clone(template),
        components: components.iter().map(|&name| name.to_owned()).collect(),
        env: BTreeMap::from([
            ("NOTE".to_owned(), ATTACK.to_owned()),
            ("WORKSPACE".to_owned(), ATTACK.to_owned()),
        ]),
        images: BTreeMap::new(),
        secrets: secrets.chain(["EXTRA".to_owned()]).collect(),
        gpu,
    }
}

/// Each stack with all its components, with each alone, with images of one's own, and on each kind of host.
fn wishes() -> Vec<StackWish> {
    let mut wishes = Vec::new();
    for template in stack_templates() {
        let all: Vec<&str> = template.components.keys().map(String::as_str).collect();
        for gpu in [HostGpu::None, HostGpu::Nvidia, HostGpu::Jetson] {
            wishes.push(wish(template, &all, gpu));
        }
        for one in &all {
            wishes.push(wish(template, &[one], HostGpu::Nvidia));
        }
        let mut own = wish(template, &all, HostGpu::Nvidia);
        own.images = all
            .iter()
            .map(|&name| (name.to_owned(), format!("ghcr.io/acme/{name}:1.0")))
            .collect();
        wishes.push(own);
    }
    wishes
}

fn yaml(text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).expect("YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn entries(yaml: &Yaml) -> BTreeMap<String, Yaml> {
    let hash = yaml.as_hash().expect("a mapping");
    hash.iter()
        .map(|(key, value)| (key.as_str().expect("a text").to_owned(), value.clone()))
        .collect()
}

#[test]
fn every_rendered_stack_is_a_compose_file_that_keeps_the_rules() {
    let wishes = wishes();
    assert!(wishes.len() > 30, "{}", wishes.len());
    for wish in wishes {
        let rendered = wish.render().expect("every stack renders");
        let compose = yaml(&rendered.files["compose.yaml"]);
        let services = entries(&compose["services"]);
        let names: BTreeSet<String> = services.keys().cloned().collect();
        assert_eq!(names, wish.components, "{}", wish.template.name);
        for (name, service) in &services {
            service_keeps_the_rules(&wish, name, service);
        }
        let files = entries(&compose["secrets"]);
        assert_eq!(files.into_keys().collect::<BTreeSet<_>>(), wish.secrets);
        assert!(rendered.patience_s > 180 && rendered.patience_s < 3600);
    }
}

fn service_keeps_the_rules(wish: &StackWish, name: &str, service: &Yaml) {
    let place = format!("{}: {name}: {service:?}", wish.template.name);
    let component = &wish.template.components[name];
    let image = service["image"].as_str().expect("an image");
    assert!(
        super::is_pinned(image) && !image.contains("latest"),
        "{place}"
    );
    let check = &service["healthcheck"];
    assert!(check["test"].is_array(), "{place}");
    for key in ["interval", "timeout", "start_period"] {
        assert!(
            check[key].as_str().is_some_and(|text| text.ends_with('s')),
            "{place}"
        );
    }
    let limits = &service["deploy"]["resources"]["limits"];
    assert!(
        limits["memory"].as_str().is_some() && limits["pids"].as_i64().is_some(),
        "{place}"
    );
    assert_eq!(
        service["restart"].as_str(),
        Some("unless-stopped"),
        "{place}"
    );
    assert_eq!(
        service["logging"]["options"]["max-size"].as_str(),
        Some("50m"),
        "{place}"
    );
    assert!(service["privileged"].is_badvalue(), "{place}");
    let host = service["network_mode"].as_str() == Some("host");
    for port in service["ports"].as_vec().into_iter().flatten() {
        let port = port.as_str().expect("a text");
        assert!(port.starts_with("127.0.0.1:"), "{place}");
        let known = component
            .ports
            .values()
            .any(|known| port.starts_with(&format!("127.0.0.1:{known}:")));
        assert!(known && !host, "{place}");
    }
    let published = service["ports"].as_vec().map_or(0, Vec::len);
    assert!(host || published == component.ports.len(), "{place}");
    let devices = &service["deploy"]["resources"]["reservations"]["devices"][0]["driver"];
    let reserved = devices.as_str() == Some("nvidia");
    assert_eq!(
        service["shm_size"].is_badvalue(),
        !(component.gpu || component.may_use_gpu) || name == "dcgm-exporter",
        "{place}"
    );
    if wish.gpu == HostGpu::Nvidia {
        assert_eq!(reserved, component.gpu || component.may_use_gpu, "{place}");
    }
    // What the profile gives arrives as it is, once Compose has read it.
    let note = service["environment"]["NOTE"]
        .as_str()
        .map(|text| text.replace("$$", "$"));
    assert_eq!(note.as_deref(), Some(ATTACK), "{place}");
    let secrets: BTreeSet<&str> = service["secrets"]
        .as_vec()
        .into_iter()
        .flatten()
        .filter_map(Yaml::as_str)
        .collect();
    let its = component
        .secrets
        .iter()
        .map(String::as_str)
        .chain(["EXTRA"])
        .collect();
    assert_eq!(secrets, its, "{place}");
    for volume in service["volumes"].as_vec().into_iter().flatten() {
        let volume = volume.as_str().expect("a text");
        let data = volume.strip_prefix("${ROBOINFRA_DATA:?}/");
        let folder = data.and_then(|rest| rest.split(':').next());
        assert!(
            folder.is_none_or(|folder| component.folders.iter().any(|known| known.path == folder)),
            "{place}: {volume}"
        );
    }
    let kept = component.folders.iter().any(|folder| {
        let path = folder.path.as_str();
        path.ends_with("cache") || path.ends_with("models")
    });
    // What measures GPUs computes nothing on them.
    let fetches = (component.gpu || component.may_use_gpu) && name != "dcgm-exporter";
    assert_eq!(
        kept, fetches,
        "{place}: models and shaders outlive a container"
    );
    let mapped = service["volumes"].as_vec().into_iter().flatten();
    let mapped = mapped.filter_map(Yaml::as_str).collect::<Vec<_>>();
    for folder in &component.folders {
        let source = format!("${{ROBOINFRA_DATA:?}}/{}:/", folder.path);
        let found = mapped.iter().any(|volume| volume.starts_with(&source));
        assert!(found, "{place}: {} is made and not mapped", folder.path);
    }
    let builds = component.build.is_some() && !wish.images.contains_key(name);
    assert_eq!(!service["build"].is_badvalue(), builds, "{place}");
}

/// Writes every rendered stack below `ROBOINFRA_RENDERED`, where a real Compose reads them.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "continuous integration says where to"
)]
fn rendered_stacks_are_handed_to_compose() {
    let Some(folder) = std::env::var_os("ROBOINFRA_RENDERED") else {
        return;
    };
    for (at, wish) in wishes().into_iter().enumerate() {
        let rendered = wish.render().expect("every stack renders");
        for (path, text) in &rendered.files {
            let name = format!("{}-{at}/{path}", wish.template.name);
            let path = std::path::Path::new(&folder).join(name);
            std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder");
            std::fs::write(path, text).expect("written");
        }
    }
}

#[test]
fn what_is_built_goes_to_the_host_and_its_tag_follows_its_text() {
    let template = super::stack_template("perception-planning-control").expect("shipped");
    let mut wish = wish(template, &["control"], HostGpu::None);
    wish.env.insert(
        "WORKSPACE".to_owned(),
        "https://example.org/robot.git#v1".to_owned(),
    );
    let tag = |wish: &StackWish| {
        let rendered = wish.render().expect("renders");
        assert!(rendered.files["images/robot/Dockerfile"].contains("ARG WORKSPACE"));
        let compose = yaml(&rendered.files["compose.yaml"]);
        let control = &compose["services"]["control"];
        assert!(
            control["build"]["args"]["BASE"]
                .as_str()
                .is_some_and(super::is_pinned)
        );
        control["image"].as_str().expect("an image").to_owned()
    };
    let first = tag(&wish);
    assert_eq!(first, tag(&wish));
    wish.env.insert(
        "WORKSPACE".to_owned(),
        "https://example.org/robot.git#v2".to_owned(),
    );
    assert_ne!(first, tag(&wish));
    wish.images
        .insert("control".to_owned(), "ghcr.io/acme/control:1".to_owned());
    let own = wish.render().expect("renders");
    assert!(own.files.keys().all(|path| !path.starts_with("images/")));
}

#[test]
fn a_stack_is_packed_as_lines() {
    let template = super::stack_template("monitoring").expect("shipped");
    let rendered = wish(template, &["prometheus", "grafana"], HostGpu::None)
        .render()
        .expect("renders");
    let files = rendered.packed_files();
    assert_eq!(files.lines().count(), 5);
    for line in files.lines() {
        let (path, text) = line.split_once(' ').expect("two words");
        assert!(rendered.files.contains_key(path) && !text.contains(' ') && !text.is_empty());
    }
    assert_eq!(rendered.packed_folders(), "472 grafana\n65534 prometheus");
    // Small enough for the runner, which takes scripts of up to 1 MiB.
    assert!(files.len() < 200_000);
}

#[test]
fn the_page_on_stacks_names_every_component_with_its_ports_and_secrets() {
    let page = include_str!("../../../docs/stacks.md");
    for template in stack_templates() {
        let (_, table) = page
            .split_once(&format!("| `{}` |", template.name))
            .expect("every stack is on the page");
        for (name, component) in &template.components {
            let row = table
                .lines()
                .find(|line| {
                    line.contains(&format!("| `{name}` |"))
                        || line.starts_with(&format!(" `{name}` |"))
                })
                .expect("every component is on the page");
            for port in component.ports.values() {
                assert!(row.contains(&port.to_string()), "{name}: {port}: {row}");
            }
            for word in component
                .secrets
                .iter()
                .chain(&component.needs_env)
                .chain(&component.build_args)
            {
                assert!(row.contains(&format!("`{word}`")), "{name}: {word}: {row}");
            }
            assert_eq!(
                row.contains("licence"),
                component.eula.is_some(),
                "{name}: {row}"
            );
        }
    }
}
