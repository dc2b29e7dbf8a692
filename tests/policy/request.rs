//! From a request on the wire to the questions that IAM asks about it: each action that it implies, on each resource
//! that the action knows (Service Authorization Reference), with the condition keys that the request gives.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts;
use crate::iam::Ask;

const ACCOUNT: &str = "123456789012";

/// What a request is.
pub(crate) struct Request {
    pub(crate) service: String,
    pub(crate) region: String,
    pub(crate) action: String,
    pub(crate) params: BTreeMap<String, String>,
}

/// Tags of something that exists, by ARN type and id or name; asked of the cloud behind.
pub(crate) trait Account {
    /// The tags.
    fn tags(&self, kind: &str, id: &str) -> BTreeMap<String, String>;
    /// The resources behind an association.
    fn behind(&self, association: &str) -> Vec<(String, String)>;
}

/// The ARN types of ids.
const KINDS: [(&str, &str); 12] = [
    ("key-", "key-pair"),
    ("pg-", "placement-group"),
    ("vpc-", "vpc"),
    ("subnet-", "subnet"),
    ("igw-", "internet-gateway"),
    ("rtb-", "route-table"),
    ("sg-", "security-group"),
    ("i-", "instance"),
    ("vol-", "volume"),
    ("eipalloc-", "elastic-ip"),
    ("sir-", "spot-instances-request"),
    ("ami-", "image"),
];

impl Request {
    /// Reads a request; `line` is its first, `authorization` and `target` are headers.
    pub(crate) fn read(line: &str, authorization: &str, target: Option<&str>, body: &[u8]) -> Self {
        let scope = authorization
            .split("Credential=")
            .nth(1)
            .unwrap_or_default();
        let scope: Vec<&str> = scope.split([',', '/']).collect();
        if let Some((_, action)) = line.split_once("/operation/") {
            return Self {
                service: scope.get(3).copied().unwrap_or_default().to_owned(),
                region: scope.get(2).copied().unwrap_or_default().to_owned(),
                action: action.split(' ').next().unwrap_or_default().to_owned(),
                params: cbor_texts(body),
            };
        }
        let params: BTreeMap<String, String> = form_urlencoded::parse(body)
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        let action = match target {
            Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            None => params.get("Action").cloned().unwrap_or_default(),
        };
        let params = if target.is_some() {
            serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(body)
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
                .collect()
        } else {
            params
        };
        Self {
            service: scope.get(3).copied().unwrap_or_default().to_owned(),
            region: scope.get(2).copied().unwrap_or_default().to_owned(),
            action,
            params,
        }
    }

    /// Everything that IAM asks.
    pub(crate) fn asks(&self, account: &dyn Account) -> Vec<Ask> {
        match self.service.as_str() {
            // STS API Reference, GetCallerIdentity: no permission is needed.
            "sts" => Vec::new(),
            "ec2" => self.ec2(account),
            "iam" => self.iam(),
            "monitoring" => self.cloudwatch(),
            "ssm" => {
                let name = self.params.get("Name").cloned().unwrap_or_default();
                let arn = format!("arn:aws:ssm:{}::parameter{name}", self.region);
                vec![self.ask("ssm:GetParameter", arn, BTreeMap::new())]
            }
            service => vec![self.ask(
                &format!("{service}:{}", self.action),
                "*".to_owned(),
                BTreeMap::new(),
            )],
        }
    }

    fn ask(&self, action: &str, resource: String, mut context: BTreeMap<String, String>) -> Ask {
        context.insert("aws:RequestedRegion".to_owned(), self.region.clone());
        Ask {
            action: action.to_owned(),
            resource,
            context,
        }
    }

    fn arn(&self, kind: &str, id: &str) -> String {
        // Images belong to their owner; their ARNs name no account.
        let account = if kind == "image" { "" } else { ACCOUNT };
        format!("arn:aws:ec2:{}:{account}:{kind}/{id}", self.region)
    }

    fn ec2(&self, account: &dyn Account) -> Vec<Ask> {
        let action = format!("ec2:{}", self.action);
        if !facts::knows_resources(&action) {
            return vec![self.ask(&action, "*".to_owned(), BTreeMap::new())];
        }
        // The reference leaves out the spot request that RunInstances makes; the User Guide has it.
        let knows = |kind: &str| {
            facts::of(&action).contains_key(kind)
                || self.action == "CreateTags"
                || (self.action == "RunInstances" && kind == "spot-instances-request")
        };
        let mut asks = Vec::new();
        let request_tags = |tags: &BTreeMap<String, String>| prefixed("aws:RequestTag", tags);
        for (kind, id) in self.named(account) {
            if knows(&kind) {
                let mut context = prefixed("aws:ResourceTag", &account.tags(&kind, &id));
                context.extend(request_tags(&self.tags("Tag.")));
                asks.push(self.ask(&action, self.arn(&kind, &id), context));
            }
        }
        for (kind, tags) in self.made() {
            if knows(&kind) {
                asks.push(self.ask(&action, self.arn(&kind, "new"), request_tags(&tags)));
            }
            let mut context = request_tags(&tags);
            context.insert("ec2:CreateAction".to_owned(), self.action.clone());
            asks.push(self.ask("ec2:CreateTags", self.arn(&kind, "new"), context));
        }
        if let Some(profile) = self.params.get("IamInstanceProfile.Name") {
            asks.push(self.pass(profile));
        }
        assert!(
            !asks.is_empty(),
            "{action} is about something: {:?}",
            self.params
        );
        asks
    }

    fn pass(&self, role: &str) -> Ask {
        let to = (
            "iam:PassedToService".to_owned(),
            "ec2.amazonaws.com".to_owned(),
        );
        self.ask("iam:PassRole", Self::role(role), BTreeMap::from([to]))
    }

    fn role(name: &str) -> String {
        format!("arn:aws:iam::{ACCOUNT}:role/roboinfra/{name}")
    }

    /// What the request names that exists.
    fn named(&self, account: &dyn Account) -> BTreeSet<(String, String)> {
        let mut named = BTreeSet::new();
        // A tag specification tells the kind of what is made, which may look like an id.
        let params = self.params.iter();
        for (key, value) in params.filter(|(key, _)| !key.starts_with("TagSpecification.")) {
            if key == "AssociationId" {
                named.extend(account.behind(value));
            } else if key == "KeyName" && self.action != "ImportKeyPair" {
                named.insert(("key-pair".to_owned(), value.clone()));
            } else if key == "Placement.GroupName"
                || (key == "GroupName" && self.action == "DeletePlacementGroup")
            {
                named.insert(("placement-group".to_owned(), value.clone()));
            } else if let Some((_, kind)) = KINDS.iter().find(|(start, _)| value.starts_with(start))
            {
                named.insert(((*kind).to_owned(), value.clone()));
            }
        }
        named
    }

    /// What the request makes, with its tags.
    fn made(&self) -> Vec<(String, BTreeMap<String, String>)> {
        (1..)
            .map_while(|number| {
                let start = format!("TagSpecification.{number}.");
                let kind = self.params.get(&format!("{start}ResourceType"))?;
                Some((kind.clone(), self.tags(&format!("{start}Tag."))))
            })
            .collect()
    }

    /// Tags of a flattened list.
    fn tags(&self, start: &str) -> BTreeMap<String, String> {
        (1..)
            .map_while(|number| {
                let key = self.params.get(&format!("{start}{number}.Key"))?;
                let value = self.params.get(&format!("{start}{number}.Value"));
                Some((key.clone(), value.cloned().unwrap_or_default()))
            })
            .collect()
    }

    /// The service as IAM names it.
    pub(crate) fn prefix(&self) -> &str {
        match self.service.as_str() {
            "monitoring" => "cloudwatch",
            service => service,
        }
    }

    /// Alarms and dashboards are known by their names.
    fn cloudwatch(&self) -> Vec<Ask> {
        let action = format!("cloudwatch:{}", self.action);
        let of = |key: &str| self.params.get(key);
        let alarm = of("AlarmName").or(of("AlarmNames"));
        if let Some(arn) = of("ResourceARN") {
            return vec![self.ask(&action, arn.clone(), BTreeMap::new())];
        }
        let dashboard = of("DashboardName").or(of("DashboardNames"));
        let resource = match (alarm, dashboard) {
            (Some(name), _) => format!("arn:aws:cloudwatch:{}:{ACCOUNT}:alarm:{name}", self.region),
            (_, Some(name)) => format!("arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}"),
            _ => "*".to_owned(),
        };
        let mut asks = vec![self.ask(&action, resource.clone(), BTreeMap::new())];
        if self.action == "PutMetricAlarm" && self.params.contains_key("Tags") {
            asks.push(self.ask("cloudwatch:TagResource", resource, BTreeMap::new()));
        }
        asks
    }

    fn iam(&self) -> Vec<Ask> {
        let param = |name: &str| self.params.get(name).cloned();
        let action = format!("iam:{}", self.action);
        let tags = self.tags("Tags.member.");
        let mut context = prefixed("aws:RequestTag", &tags);
        if let Some(policy) = param("PolicyArn") {
            context.insert("iam:PolicyARN".to_owned(), policy);
        }
        let profile = param("InstanceProfileName")
            .map(|name| format!("arn:aws:iam::{ACCOUNT}:instance-profile/roboinfra/{name}"));
        let role = param("RoleName").map(|name| Self::role(&name));
        let about_profile = facts::of(&action).contains_key("instance-profile");
        let resource = if about_profile {
            profile.clone()
        } else {
            role.clone()
        };
        let resource = resource.expect("an IAM call names what it is about");
        let mut asks = vec![self.ask(&action, resource.clone(), context.clone())];
        if !tags.is_empty() {
            let action = if about_profile {
                "iam:TagInstanceProfile"
            } else {
                "iam:TagRole"
            };
            asks.push(self.ask(action, resource, context));
        }
        if self.action == "AddRoleToInstanceProfile" {
            asks.push(self.pass(&param("RoleName").unwrap_or_default()));
        }
        asks
    }
}

/// The members of a CBOR map whose values are texts, or lists of texts, of which the first is taken; of others only that
/// they are there. It reads no more of CBOR than these requests have.
fn cbor_texts(body: &[u8]) -> BTreeMap<String, String> {
    let names = [
        "AlarmName",
        "AlarmNames",
        "DashboardName",
        "DashboardNames",
        "ResourceARN",
        "Tags",
    ];
    let found = names.iter().filter_map(|name| {
        let mut key = vec![0x60 | u8::try_from(name.len()).expect("a short name")];
        key.extend(name.as_bytes());
        let at = body.windows(key.len()).position(|part| part == key)? + key.len();
        let value = text_at(&body[at..]).or_else(|| text_at(&body[at + 1..]));
        Some(((*name).to_owned(), value.unwrap_or_default()))
    });
    found.collect()
}

fn text_at(bytes: &[u8]) -> Option<String> {
    let (length, rest) = match bytes {
        [short @ 0x60..=0x77, rest @ ..] => (usize::from(short & 31), rest),
        [0x78, length, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    String::from_utf8(rest.get(..length)?.to_vec()).ok()
}

fn prefixed(key: &str, tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    tags.iter()
        .map(|(tag, value)| (format!("{key}/{tag}"), value.clone()))
        .collect()
}
