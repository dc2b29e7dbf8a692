"""moto's server with the data that a lab needs and moto lacks.

Data and protocol only: public SSM parameters and the images behind them, EC2's quotas, one parameter that the
EC2 API calls optional and moto requires, and CloudWatch's CBOR protocol (`cbor.py`). What moto does is left as it is, right or wrong.

Usage: python server.py PORT [with-parent]. It listens on 127.0.0.1 only; port 0 takes a free one. The first line on
standard output is the port. With `with-parent` it ends when standard input does, so that it never outlives a test.
"""

import os
import sys
import threading

# Strict: without these moto launches from any image, with any key and of any type, and knows no managed policy.
for name in (
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION",
    "MOTO_ENABLE_KEYPAIR_VALIDATION",
    "MOTO_ENABLE_AMI_VALIDATION",
    "MOTO_IAM_LOAD_MANAGED_POLICIES",
):
    os.environ[name] = "true"

from datetime import datetime, timezone

from moto.ec2.models import amis
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.iam.access_control import IAMPolicyStatement, IAMRequestBase, PermissionResult
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse
from moto.ssm import models as ssm
from werkzeug.serving import WSGIRequestHandler, make_server

from cbor import Translated

CANONICAL, DEBIAN, AMAZON = "099720109477", "136693071363", "898082745236"
UBUNTU = "/aws/service/canonical/ubuntu/server/{}/stable/current/{}/hvm/ebs-{}/ami-id"
DLAMI = "/aws/service/deeplearning/ami/{}/base-oss-nvidia-driver-gpu-ubuntu-{}/latest/ami-id"

# The SSM public parameter, and the image that it names.
IMAGES = [
    (UBUNTU.format("22.04", "amd64", "gp2"), "ami-0000000000002204a", "x86_64", CANONICAL, "/dev/sda1",
     "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20261101"),
    (UBUNTU.format("22.04", "arm64", "gp2"), "ami-0000000000002204b", "arm64", CANONICAL, "/dev/sda1",
     "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-20261101"),
    (UBUNTU.format("24.04", "amd64", "gp3"), "ami-0000000000002404a", "x86_64", CANONICAL, "/dev/sda1",
     "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261101"),
    (UBUNTU.format("24.04", "arm64", "gp3"), "ami-0000000000002404b", "arm64", CANONICAL, "/dev/sda1",
     "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20261101"),
    ("/aws/service/debian/release/12/latest/amd64", "ami-0000000000000012a", "x86_64", DEBIAN, "/dev/xvda",
     "debian-12-amd64-20261101"),
    ("/aws/service/debian/release/12/latest/arm64", "ami-0000000000000012b", "arm64", DEBIAN, "/dev/xvda",
     "debian-12-arm64-20261101"),
    (DLAMI.format("x86_64", "22.04"), "ami-00000000000d2204a", "x86_64", AMAZON, "/dev/sda1",
     "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) 20261101"),
    (DLAMI.format("arm64", "22.04"), "ami-00000000000d2204b", "arm64", AMAZON, "/dev/sda1",
     "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) 20261101"),
    (DLAMI.format("x86_64", "24.04"), "ami-00000000000d2404a", "x86_64", AMAZON, "/dev/sda1",
     "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20261101"),
]

# Quotas of an account that has been granted some G instances, and what a new account has.
QUOTAS = {
    ("ec2", "L-DB2E81BA"): ("Running On-Demand G and VT instances", 64.0, 0.0),
    ("ec2", "L-3819A6DF"): ("All G and VT Spot Instance Requests", 64.0, 0.0),
    ("ec2", "L-417A185B"): ("Running On-Demand P instances", 0.0, 0.0),
    ("ec2", "L-1216C47A"): ("Running On-Demand Standard instances", 32.0, 5.0),
    ("ec2", "L-0263D0A3"): ("EC2-VPC Elastic IPs", 5.0, 5.0),
    ("vpc", "L-F678F1CE"): ("VPCs per Region", 5.0, 5.0),
}


def add_images():
    for _, ami, architecture, owner, root, name in IMAGES:
        amis.AMIS.append(
            {
                "ami_id": ami,
                "name": name,
                "description": name,
                "owner_id": owner,
                "architecture": architecture,
                "root_device_name": root,
                "root_device_type": "ebs",
                "virtualization_type": "hvm",
                "hypervisor": "xen",
                "image_type": "machine",
                "image_location": name,
                "platform": None,
                "public": True,
                "state": "available",
                "creation_date": "2026-11-01T00:00:00.000Z",
            }
        )


def add_parameters():
    values = {parameter: ami for parameter, ami, *_ in IMAGES}
    load = ssm.ParameterDict._check_loading_status

    def load_with_images(self, key):
        load(self, key)
        if key in values and not dict.__contains__(self, key):
            parameter = ssm.Parameter(
                account_id=self.account_id,
                name=key,
                value=values[key],
                parameter_type="String",
                description=None,
                allowed_pattern=None,
                keyid=None,
                last_modified_date=datetime(2026, 11, 1, tzinfo=timezone.utc),
                version=1,
                data_type="aws:ec2:image",
            )
            dict.__setitem__(self, key, [parameter])

    ssm.ParameterDict._check_loading_status = load_with_images


def quota(service, code, applied):
    """One quota as the API shows it; `None` where this server has none."""
    if (service, code) not in QUOTAS:
        return None
    name, value, default = QUOTAS[(service, code)]
    return {
        "ServiceCode": service,
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value if applied else default,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


def add_quotas():
    from json import dumps, loads

    from moto.servicequotas.exceptions import NoSuchResource

    def applied(self, service_code, quota_code):
        found = quota(service_code, quota_code, applied=True)
        if found is None:
            raise NoSuchResource
        return found

    def default(self):
        asked = loads(self.body)
        found = quota(asked.get("ServiceCode"), asked.get("QuotaCode"), applied=False)
        if found is None:
            raise NoSuchResource
        return dumps({"Quota": found})

    ServiceQuotasBackend.get_service_quota = applied
    ServiceQuotasResponse.get_aws_default_service_quota = default


def detach_by_volume_alone():
    # DetachVolume requires the instance only for multi-attached volumes; moto answers 500 without it.
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachVolume.html
    detach = EBSBackend.detach_volume

    def detach_volume(self, volume_id, instance_id, device_path):
        attachment = self.get_volume(volume_id).attachment
        if instance_id is None and attachment:
            instance_id = attachment.instance.id
        return detach(self, volume_id, instance_id, device_path)

    EBSBackend.detach_volume = detach_volume


def let_loopback_stand_for_tls():
    # moto takes a denial whose condition does not hold for a denial: that nobody may come without TLS kept everybody
    # out. And the wire here is loopback, which stands for TLS.
    judge = IAMPolicyStatement.is_action_permitted

    def judged(self, *args, **kwargs):
        condition = self._statement.get("Condition", {}).get("Bool", {})
        if self._statement["Effect"] == "Deny" and condition == {"aws:SecureTransport": "false"}:
            return PermissionResult.NEUTRAL
        return judge(self, *args, **kwargs)

    IAMPolicyStatement.is_action_permitted = judged


def trust_signatures():
    # With IAM turned on moto checks signatures over a body that it has encoded anew: one with a space in it, which
    # the SDK sends as %20, never fits. Keys are still looked up.
    IAMRequestBase.check_signature = lambda self: None


def name_cloudwatch_as_iam_does():
    # moto takes the service of a permission from the request's scope. CloudWatch signs as "monitoring", and its permissions
    # begin with "cloudwatch" (Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch").
    begin = IAMRequestBase.__init__

    def begun(self, *args, **kwargs):
        begin(self, *args, **kwargs)
        self._action = self._action.replace("monitoring:", "cloudwatch:", 1)

    IAMRequestBase.__init__ = begun


class Quiet(WSGIRequestHandler):
    """One line per request helps nobody."""

    def log_request(self, *_):
        pass


def main():
    add_images()
    add_parameters()
    add_quotas()
    detach_by_volume_alone()
    trust_signatures()
    name_cloudwatch_as_iam_does()
    let_loopback_stand_for_tls()
    app = Translated(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True, request_handler=Quiet)
    if sys.argv[2:] == ["with-parent"]:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
