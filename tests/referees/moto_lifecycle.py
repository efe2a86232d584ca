"""moto, with what it lacks of Auto Scaling: instances that wait for lifecycle hooks, and an IMDS for each of them.

moto stores hooks and never acts on them, and it has neither CompleteLifecycleAction nor RecordLifecycleActionHeartbeat. This adds the
documented rules (EC2 Auto Scaling user guide, "Lifecycle hooks"). What stays moto's, and is therefore nobody's here: HTTP, the Query protocol
against botocore's model, XML, and the bookkeeping of EC2 and of load balancers.

Times are the group's seconds; TIME_SCALE of them pass in one. Must be set up with `install` before moto serves.
"""

import base64
import json
import threading
import time
import uuid

import moto.autoscaling.models as models
import moto.autoscaling.responses as responses
import strict_imds
from moto.autoscaling.exceptions import ValidationError
from moto.core.responses import EmptyResult

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
ACCOUNT = "123456789012"
ROLE = "herd-instance"

# What the role hands out. moto's own, where it is to check signatures.
CREDENTIALS = {"AccessKeyId": "ASIAREFEREE000000000", "SecretAccessKey": "referee-secret", "Token": "referee-session"}

LOCK = threading.RLock()


class Clock:
    """The group's seconds, and how long its balancer takes to let go."""

    scale = 1.0
    drain = 0.0

    @classmethod
    def now(cls):
        return time.monotonic() * cls.scale


class Life:
    """What moto does not know of an instance: what it waits for."""

    def __init__(self, state):
        self.state = state
        self.target = "InService"
        self.actions = {}  # hook's name -> [token, hook, heartbeat until, global until]
        self.drained_at = None
        self.imds_url = strict_imds.serve(lambda path: metadata(self, path))

    @property
    def group(self):
        return self.state.auto_scaling_group

    def enter(self, lifecycle_state, transition):
        """Waits for the hooks of a transition, if the group has any."""
        hooks = [
            hook
            for hook in self.group.autoscaling_backend.lifecycle_hooks.values()
            if hook.auto_scaling_group_name == self.group.name and hook.lifecycle_transition == transition
        ]
        now = Clock.now()
        self.actions = {
            hook.name: [str(uuid.uuid4()), hook, now + hook.heartbeat_timeout, now + hook.global_timeout] for hook in hooks
        }
        if self.actions:
            self.state.lifecycle_state = lifecycle_state
        else:
            self.go_on("CONTINUE")

    def end_action(self, name, result):
        del self.actions[name]
        if result == "ABANDON":
            self.actions.clear()
        if not self.actions:
            self.go_on(result)

    def go_on(self, result):
        backend = self.group.autoscaling_backend
        if self.target == "InService" and result == "CONTINUE":
            self.state.lifecycle_state = "InService"
            backend.update_attached_elbs(self.group.name)
            backend.update_attached_target_groups(self.group.name)
            return
        launching = self.target == "InService"
        self.target = "Terminated"
        self.state.lifecycle_state = "Terminated"
        self.group.instance_states = [state for state in self.group.instance_states if state is not self.state]
        backend.ec2_backend.terminate_instances([self.state.instance.id])
        if launching:
            # A launch that failed is tried again with another instance.
            self.group.set_desired_capacity(self.group.desired_capacity)

    def terminate(self):
        """The target changes at once; the hook waits only when the balancer has let go."""
        if self.target == "Terminated":
            return
        serving = self.state.lifecycle_state == "InService"
        self.target = "Terminated"
        self.actions.clear()
        self.state.lifecycle_state = "Terminating"
        self.drained_at = Clock.now() + (Clock.drain if serving else 0)
        for target_group in self.group.target_group_arns:
            self.group.autoscaling_backend.elbv2_backend.deregister_targets(target_group, [{"id": self.state.instance.id}])

    def tick(self):
        now = Clock.now()
        if self.drained_at is not None and now >= self.drained_at:
            self.drained_at = None
            self.enter("Terminating:Wait", TERMINATING)
        for name, (_, hook, heartbeat_until, global_until) in list(self.actions.items()):
            if name in self.actions and now >= min(heartbeat_until, global_until):
                self.end_action(name, hook.default_result)


def all_states():
    for account in models.autoscaling_backends.values():
        for backend in account.values():
            for group in list(backend.autoscaling_groups.values()):
                yield from list(group.instance_states)


def life_of(instance_id):
    return next((s.life for s in all_states() if s.instance.id == instance_id and hasattr(s, "life")), None)


def metadata(life, path):
    """What is below /latest/ of an instance's IMDS."""
    instance = life.state.instance
    zone = instance.placement.zone
    region = zone[:-1]
    document = {
        "accountId": ACCOUNT, "architecture": "x86_64", "availabilityZone": zone, "imageId": instance.image_id, "instanceId": instance.id,
        "instanceType": instance.instance_type, "privateIp": "127.0.0.1", "region": region, "version": "2017-09-30",
    }
    credentials = {
        "Code": "Success", "Type": "AWS-HMAC", **CREDENTIALS, "LastUpdated": "2026-01-01T00:00:00Z",
        "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 21600)),
    }
    # Whether IMDS shows the tags that begin with aws: is not documented: these are hidden.
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags() if not tag["key"].startswith("aws:")}
    values = {
        "meta-data/instance-id": instance.id,
        "meta-data/placement/region": region,
        "meta-data/placement/availability-zone": zone,
        "meta-data/autoscaling/target-lifecycle-state": life.target,
        "meta-data/iam/security-credentials": ROLE,
        f"meta-data/iam/security-credentials/{ROLE}": json.dumps(credentials),
        "dynamic/instance-identity/document": json.dumps(document),
        "user-data": user_data(instance.user_data),
        "meta-data/tags/instance": "\n".join(tags) or None,
    }
    values.update({f"meta-data/tags/instance/{key}": value for key, value in tags.items()})
    return values.get(path.rstrip("/"))


def user_data(stored):
    """moto keeps it as the API has it: in base64."""
    return base64.b64decode(stored.as_bytes()) if stored else None


def find_action(api):
    """The life and the action's name that a call is about."""
    ask = api._get_param
    token, instance_id = ask("LifecycleActionToken"), ask("InstanceId")
    group = api.autoscaling_backend.autoscaling_groups.get(ask("AutoScalingGroupName"))
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup {ask('AutoScalingGroupName')} not found")
    for state in group.instance_states:
        action = state.life.actions.get(ask("LifecycleHookName"))
        if action and (action[0] == token if token else state.instance.id == instance_id):
            return state.life, action
    raise ValidationError(f"No active Lifecycle Action found with {f'token {token}' if token else f'instance ID {instance_id}'}")


def complete_lifecycle_action(self):
    result = self._get_param("LifecycleActionResult")
    if result not in ("CONTINUE", "ABANDON"):
        raise ValidationError(f"Invalid lifecycle action result: {result}")
    with LOCK:
        life, action = find_action(self)
        life.end_action(action[1].name, result)
    return EmptyResult()


def record_lifecycle_action_heartbeat(self):
    with LOCK:
        _, action = find_action(self)
        action[2] = Clock.now() + action[1].heartbeat_timeout
    return EmptyResult()


def install(time_scale, drain):
    """Patches moto, and starts the thread that lets the group's time pass."""
    Clock.scale, Clock.drain = time_scale, drain
    backend_class, group_class = models.AutoScalingBackend, models.FakeAutoScalingGroup
    responses.AutoScalingResponse.complete_lifecycle_action = complete_lifecycle_action
    responses.AutoScalingResponse.record_lifecycle_action_heartbeat = record_lifecycle_action_heartbeat

    create_hook = backend_class.create_lifecycle_hook

    def create_lifecycle_hook(self, name, as_name, transition, timeout, result):
        if timeout is not None and not 30 <= timeout <= 7200:
            raise ValidationError("HeartbeatTimeout must be within 30 and 7200")
        hook = create_hook(self, name, as_name, transition, timeout, result)
        hook.global_timeout = min(172800, 100 * hook.heartbeat_timeout)
        return hook

    replace = group_class.replace_autoscaling_group_instances

    def replace_autoscaling_group_instances(self, count_needed, propagated_tags):
        with LOCK:
            before = len(self.instance_states)
            replace(self, count_needed, propagated_tags)
            for state in self.instance_states[before:]:
                state.life = Life(state)
                state.life.enter("Pending:Wait", LAUNCHING)

    set_capacity = group_class.set_desired_capacity

    def set_desired_capacity(self, new_capacity):
        with LOCK:
            wanted = self.min_size if new_capacity is None else new_capacity
            removable = [state for state in self.active_instances() if not state.protected_from_scale_in]
            for state in removable[: max(0, len(self.active_instances()) - wanted)]:
                state.life.terminate()
            set_capacity(self, wanted)

    def terminate_instance(self, instance_id, should_decrement):
        with LOCK:
            life = life_of(instance_id)
            if life is None:
                raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")
            life.terminate()
            before = life.group.desired_capacity
            life.group.set_desired_capacity(before - 1 if should_decrement else before)
            return models.TerminateInstanceActivity(life.state.instance, before)

    backend_class.create_lifecycle_hook = create_lifecycle_hook
    backend_class.terminate_instance = terminate_instance
    group_class.replace_autoscaling_group_instances = replace_autoscaling_group_instances
    group_class.set_desired_capacity = set_desired_capacity
    group_class.active_instances = lambda self: [s for s in self.instance_states if not s.lifecycle_state.startswith("Terminat")]
    threading.Thread(target=let_time_pass, daemon=True).start()


def let_time_pass():
    while True:
        time.sleep(0.02)
        with LOCK:
            for state in all_states():
                if hasattr(state, "life"):
                    state.life.tick()
