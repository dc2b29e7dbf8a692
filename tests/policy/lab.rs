//! Profiles that need different things.

/// One machine on demand, and nothing that only some labs have.
pub(crate) const SMALL: &str = r#"
version = 1
[lab]
name = "small"
region = "us-east-1"
[network]
zones = ["us-east-1a"]
[access]
operators = ["203.0.113.7/32"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
types = ["g5.xlarge"]
bootstrap = []
image = "ami-0123456789abcdef0"
"#;

/// Everything that a lab can have.
pub(crate) const LARGE: &str = r#"
version = 1
[lab]
name = "large"
region = "us-east-1"
[network]
zones = ["us-east-1a", "us-east-1b"]
[access]
operators = ["203.0.113.7/32"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
types = ["g5.xlarge"]
bootstrap = []
elastic_ip = true
volume.data = { size_gib = 50, mount = "/data" }
[node.train]
count = 2
types = ["g5.12xlarge"]
bootstrap = []
market = "spot"
placement_group = true
[metrics]
namespace = "Large"
"#;

/// The same machine in a network that is there, with an instance profile that is there.
pub(crate) const GUEST: &str = r#"
version = 1
[lab]
name = "guest"
region = "us-east-1"
[network]
vpc = "vpc-0123456789abcdef0"
subnets = ["subnet-0123456789abcdef0"]
[access]
operators = ["203.0.113.7/32"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
types = ["g5.xlarge"]
bootstrap = []
instance_profile = "company-default"
"#;
