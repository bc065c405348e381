//! The picture of the layers in ARCHITECTURE.md, checked against what cargo sees.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each package of the workspace depends on in a normal build, by package name.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Every arrow between our crates, without the prefix `starling-`.
const ARROWS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("ratchet", &[]),
    ("sqlcipher", &[]),
    ("store", &["protocol", "sqlcipher"]),
    ("core", &["protocol", "ratchet", "store"]),
    ("engine", &["protocol", "store", "core"]),
    ("simnet", &["protocol"]),
    ("sim", &["protocol", "store", "core", "simnet"]),
    ("ffi", &["engine"]),
    ("testkit", &["ffi", "engine", "sim"]),
    ("cli", &["engine", "store", "protocol", "simnet", "sim"]),
    ("xtask", &[]),
    ("tests", &["engine", "store", "protocol"]),
    ("fuzz-bodies", &["protocol", "ratchet", "store", "core", "simnet"]),
];

/// Libraries that only some layers may touch.
const RESERVED: &[(&str, &[&str])] = &[
    ("uniffi", &["ffi", "testkit"]),
    ("uniffi_bindgen", &["xtask"]),
    ("vodozemac", &["ratchet"]),
    ("rusqlite", &["store"]),
    ("rusqlite_migration", &["store"]),
    ("reqwest", &["engine", "simnet"]),
    ("tokio", &["engine", "simnet", "ffi", "testkit", "cli", "tests"]),
];

/// Every way in which the graph differs from the picture.
fn violations(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (package, dependencies) in graph {
        let Some(name) = package.strip_prefix("starling-") else {
            found.push(format!("{package} is not named starling-…"));
            continue;
        };
        let Some((_, allowed)) = ARROWS.iter().find(|(layer, _)| *layer == name) else {
            found.push(format!("{name} is not in the picture"));
            continue;
        };
        let actual: BTreeSet<&str> =
            dependencies.iter().filter_map(|dependency| dependency.strip_prefix("starling-")).collect();
        let drawn: BTreeSet<&str> = allowed.iter().copied().collect();
        found.extend(actual.difference(&drawn).map(|target| format!("{name} -> {target} is not drawn")));
        found.extend(
            drawn.difference(&actual).map(|target| format!("{name} -> {target} is drawn, but not there")),
        );
        for (library, users) in RESERVED {
            if dependencies.contains(*library) && !users.contains(&name) {
                found.push(format!("{name} uses {library}"));
            }
        }
    }
    found
}

fn workspace() -> Graph {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let normal = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), normal)
        })
        .collect()
}

fn graph(packages: &[(&str, &[&str])]) -> Graph {
    packages
        .iter()
        .map(|(package, dependencies)| {
            ((*package).to_owned(), dependencies.iter().map(|name| (*name).to_owned()).collect())
        })
        .collect()
}

#[test]
fn the_workspace_is_layered_as_drawn() {
    let graph = workspace();
    assert!(graph.contains_key("starling-core"), "cargo metadata shows another workspace");
    assert_eq!(violations(&graph), Vec::<String>::new());
}

#[test]
fn a_planted_arrow_is_found() {
    let planted = graph(&[("starling-simnet", &["starling-protocol", "starling-store"])]);
    assert_eq!(violations(&planted), ["simnet -> store is not drawn"]);
}

#[test]
fn a_missing_arrow_is_found() {
    let planted = graph(&[("starling-store", &["starling-protocol"])]);
    assert_eq!(violations(&planted), ["store -> sqlcipher is drawn, but not there"]);
}

#[test]
fn a_library_in_the_wrong_layer_is_found() {
    let planted = graph(&[
        (
            "starling-core",
            &["starling-protocol", "starling-ratchet", "starling-store", "tokio", "rusqlite", "vodozemac"],
        ),
        ("starling-ratchet", &["vodozemac"]),
    ]);
    assert_eq!(violations(&planted), ["core uses vodozemac", "core uses rusqlite", "core uses tokio"]);
}

#[test]
fn an_unknown_crate_is_found() {
    let planted = graph(&[("starling-misc", &[]), ("surprise", &[])]);
    assert_eq!(violations(&planted), ["misc is not in the picture", "surprise is not named starling-…"]);
}
