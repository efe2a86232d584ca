"""A group of moto's with hooks that work: serves moto and a small control API, prints one line of JSON when both are up, ends on SIGTERM.

    moto_group.py [--time-scale 1] [--drain 0] [--heartbeat 300] [--user-data TEXT] [--allow ACTION,…] [--until-stdin-ends]
    POST /launch                 one more instance: {"id": …, "imds_url": …}
    POST /terminate/ID           TerminateInstanceInAutoScalingGroup, the capacity goes down by one
    GET  /instances              {"i-…": {"state": …, "target": …, "imds_url": …}} of those that the group still has
    GET  /ec2/ID                 EC2's own state of an instance
    POST /allow/ACTION,…         with --allow: the role may do these from now on, and nothing else

With --allow, moto checks the signature of every request and whether its sender may do that. The instances have the credentials of a role.

Whatever the control API does to the group it does with boto3, through moto's HTTP.
"""

import argparse
import base64
import http.server
import json
import os
import sys
import threading

import boto3
import moto_lifecycle
from moto import settings
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

GROUP, REGION = "web", "eu-west-1"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--time-scale", type=float, default=1.0)
    parser.add_argument("--drain", type=float, default=0.0)
    parser.add_argument("--heartbeat", type=int, default=300)
    parser.add_argument("--user-data", default="")
    parser.add_argument("--allow", help="the role's actions, with commas between them; without this, everybody may do everything")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end with whoever started this, however that ends")
    args = parser.parse_args()
    if args.until_stdin_ends:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    moto_lifecycle.install(args.time_scale, args.drain)
    moto = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=moto.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{moto.server_port}"

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}

    def client(service):
        return boto3.client(service, endpoint_url=url, region_name=REGION, **keys)

    make_group(client("autoscaling"), client("ec2"), args)
    if args.allow is not None:
        keys = make_strict(client, args.allow)
    routes = control_handler(client("autoscaling"), client("ec2"), client("iam"))
    control = http.server.ThreadingHTTPServer(("127.0.0.1", 0), routes)
    ready = {"autoscaling_url": url, "control_url": f"http://127.0.0.1:{control.server_port}", "group": GROUP, "region": REGION}
    print(json.dumps(ready), flush=True)
    control.serve_forever()


def make_group(autoscaling, ec2, args):
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    data = {"ImageId": image, "InstanceType": "t3.micro"}
    if args.user_data:
        data["UserData"] = base64.b64encode(args.user_data.encode()).decode()
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchTemplate={"LaunchTemplateName": "web"},
        MinSize=0,
        MaxSize=10,
        DesiredCapacity=0,
        AvailabilityZones=[f"{REGION}a"],
        Tags=[{"Key": "Name", "Value": "web", "PropagateAtLaunch": True}],
    )
    for name, transition, result in [("boot", "LAUNCHING", "ABANDON"), ("drain", "TERMINATING", "CONTINUE")]:
        autoscaling.put_lifecycle_hook(
            LifecycleHookName=name,
            AutoScalingGroupName=GROUP,
            LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
            HeartbeatTimeout=args.heartbeat,
            DefaultResult=result,
        )


def policy(actions):
    # moto looks at resources for S3 alone.
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})


def make_strict(client, actions):
    """A role for the instances and a user for this program; from now on moto checks who signs, and what that one may do."""
    iam, sts = client("iam"), client("sts")
    iam.create_user(UserName="owner")
    key = iam.create_access_key(UserName="owner")["AccessKey"]
    iam.put_user_policy(UserName="owner", PolicyName="all", PolicyDocument=policy(["*"]))
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=moto_lifecycle.ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    iam.put_role_policy(RoleName=moto_lifecycle.ROLE, PolicyName="hooks", PolicyDocument=policy(actions.split(",")))
    arn = f"arn:aws:iam::{moto_lifecycle.ACCOUNT}:role/{moto_lifecycle.ROLE}"
    session = sts.assume_role(RoleArn=arn, RoleSessionName="i-referee")["Credentials"]
    moto_lifecycle.CREDENTIALS.update({name: session[name] for name in ("AccessKeyId", "SecretAccessKey")}, Token=session["SessionToken"])
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def control_handler(autoscaling, ec2, iam):
    def instances():
        found = autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
        lives = {member["InstanceId"]: (member["LifecycleState"], moto_lifecycle.life_of(member["InstanceId"])) for member in found}
        return {
            name: {"state": state, "target": life.target, "imds_url": life.imds_url} for name, (state, life) in lives.items() if life
        }

    def launch():
        before = instances()
        capacity = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"][0]["DesiredCapacity"]
        autoscaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=capacity + 1)
        (name,) = set(after := instances()) - set(before)
        return {"id": name, "imds_url": after[name]["imds_url"]}

    def terminate(name):
        autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=name, ShouldDecrementDesiredCapacity=True)
        return {}

    def in_ec2(name):
        found = ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]
        return {"state": found["State"]["Name"]}

    def allow(actions):
        iam.put_role_policy(RoleName=moto_lifecycle.ROLE, PolicyName="hooks", PolicyDocument=policy(actions.split(",")))
        return {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do(self, routes):
            first, _, rest = self.path.lstrip("/").partition("/")
            if first not in routes:
                return self.send_error(404)
            body = json.dumps(routes[first](rest) if rest else routes[first]()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            return self.wfile.write(body)

        def do_GET(self):
            self.do({"instances": instances, "ec2": in_ec2})

        def do_POST(self):
            self.do({"launch": launch, "terminate": terminate, "allow": allow})

    return Handler


main()
