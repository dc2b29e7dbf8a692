//! The table of permissions lists exactly the calls that `src/aws` makes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use roboinfra::policy::{Service, TABLE};
use syn::visit::{self, Visit};

/// The clients by the names that the adapter gives them, and their services.
const CLIENTS: &[(&str, Service)] = &[
    ("cloudwatch", Service::CloudWatch),
    ("ec2", Service::Ec2),
    ("iam", Service::Iam),
    ("quotas", Service::Quotas),
    ("s3", Service::S3),
    ("ssm", Service::Ssm),
    ("sts", Service::Sts),
];

#[derive(Default)]
struct Calls {
    /// Calls that are begun: client and method.
    begun: BTreeSet<(String, String)>,
    /// Calls as errors name them: `failed("CreateVpc")`.
    named: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Calls {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let client = match &*call.receiver {
            syn::Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
            syn::Expr::Field(field) => match &field.member {
                syn::Member::Named(name) => Some(name.to_string()),
                syn::Member::Unnamed(_) => None,
            },
            _ => None,
        };
        let client = client.filter(|name| CLIENTS.iter().any(|(known, _)| known == name));
        if let Some(client) = client {
            self.begun.insert((client, call.method.to_string()));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*call.func
            && path.path.is_ident("failed")
            && let Some(syn::Expr::Lit(literal)) = call.args.first()
            && let syn::Lit::Str(name) = &literal.lit
        {
            self.named.insert(name.value());
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the sources are there");
    let paths = entries.map(|entry| entry.expect("the sources can be listed").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .collect()
}

/// `describe_vpcs` and `DescribeVpcs` are one call.
fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

#[test]
fn the_table_lists_the_calls_that_the_adapter_makes() {
    let mut calls = Calls::default();
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws")) {
        let text = std::fs::read_to_string(&path).expect("a source can be read");
        calls.visit_file(&syn::parse_file(&text).expect("a source is Rust"));
    }
    let begun: BTreeSet<(Service, String)> = calls
        .begun
        .iter()
        .filter_map(|(client, method)| {
            let (_, service) = CLIENTS.iter().find(|(name, _)| name == client)?;
            Some((*service, plain(method)))
        })
        .collect();
    let table: BTreeSet<(Service, String)> = TABLE
        .iter()
        .map(|call| (call.service, plain(call.name)))
        .collect();
    let missing: Vec<_> = begun.difference(&table).collect();
    let extra: Vec<_> = table.difference(&begun).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "src/policy/table.rs lacks {missing:?} and has {extra:?} too many"
    );
    // A client under another name would not be seen above; every call names itself where it fails.
    let table: BTreeSet<String> = TABLE.iter().map(|call| call.name.to_owned()).collect();
    assert_eq!(calls.named, table);
}
