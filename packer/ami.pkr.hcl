# An image with herdsman on it: the publisher's image, the binary, the unit, nothing else.
# Works with Packer 1.6.6 (Debian 12) and newer.

variable "region" {
  type        = string
  default     = "eu-west-1"
  description = "Where the image is built."
}

variable "os" {
  type        = string
  default     = "debian-12"
  description = "What the image is built on: debian-12 or ubuntu-24.04."

  validation {
    condition     = contains(["debian-12", "ubuntu-24.04"], var.os)
    error_message = "The variable os is debian-12 or ubuntu-24.04."
  }
}

# No default on purpose: the same commit gives the same image, so the build it stands on is named, not "the latest".
variable "os_build" {
  type        = string
  description = "The publisher's build of that image, as its name ends: 20250316-2053 (Debian), 20250305 (Ubuntu)."
}

variable "arch" {
  type        = string
  default     = "arm64"
  description = "The processor: arm64 or x86_64."

  validation {
    condition     = contains(["arm64", "x86_64"], var.arch)
    error_message = "The variable arch is arm64 or x86_64."
  }
}

variable "binary" {
  type        = string
  default     = "../target/aarch64-unknown-linux-musl/release/herdsman"
  description = "The herdsman binary for that processor, as scripts/build-static leaves it."
}

variable "config" {
  type        = string
  default     = "herdsman.toml"
  description = "The herdsman.toml to bake in; the one beside this template sets nothing."
}

variable "name_prefix" {
  type        = string
  default     = "herdsman"
  description = "The image is called PREFIX-OS-ARCH-TIME."
}

variable "subnet_id" {
  type        = string
  default     = null
  description = "Where the building instance runs; none: the default VPC."
}

variable "ssh_timeout" {
  type        = string
  default     = "5m"
  description = "How long the building instance has to answer."
}

# For a stand-in of the EC2 API, in tests.
variable "ec2_endpoint" {
  type    = string
  default = null
}

variable "ssh_host" {
  type    = string
  default = null
}

variable "ssh_private_key_file" {
  type    = string
  default = null
}

locals {
  time = formatdate("YYYYMMDD-hhmmss", timestamp())
  name = "${var.name_prefix}-${var.os}-${var.arch}-${local.time}"

  # Debian's and Canonical's own accounts: an image of another account may say what it likes in its name.
  publishers = {
    "debian-12"    = "136693071363"
    "ubuntu-24.04" = "099720109477"
  }
  users = {
    "debian-12"    = "admin"
    "ubuntu-24.04" = "ubuntu"
  }
  root_devices = {
    "debian-12"    = "/dev/xvda"
    "ubuntu-24.04" = "/dev/sda1"
  }
  package_arch = var.arch == "arm64" ? "arm64" : "amd64"
  names = {
    "debian-12"    = "debian-12-${local.package_arch}-${var.os_build}"
    "ubuntu-24.04" = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-${local.package_arch}-server-${var.os_build}"
  }
}

source "amazon-ebs" "herdsman" {
  region        = var.region
  instance_type = var.arch == "arm64" ? "t4g.micro" : "t3.micro"
  subnet_id     = var.subnet_id
  ami_name      = local.name
  ena_support   = true

  source_ami_filter {
    owners      = [local.publishers[var.os]]
    most_recent = true
    filters = {
      name                = local.names[var.os]
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  launch_block_device_mappings {
    device_name           = local.root_devices[var.os]
    volume_size           = 8
    volume_type           = "gp3"
    iops                  = 3000
    throughput            = 125
    delete_on_termination = true
  }

  communicator         = "ssh"
  ssh_username         = local.users[var.os]
  ssh_timeout          = var.ssh_timeout
  ssh_host             = var.ssh_host
  ssh_private_key_file = var.ssh_private_key_file

  custom_endpoint_ec2     = var.ec2_endpoint
  skip_region_validation  = var.ec2_endpoint != null
  skip_metadata_api_check = var.ec2_endpoint != null

  tags = {
    Name        = local.name
    Base        = local.names[var.os]
    Provisioner = "herdsman"
  }
}

build {
  sources = ["source.amazon-ebs.herdsman"]

  provisioner "shell" {
    # cloud-init still installs keys and packages when ssh begins to answer.
    inline = ["cloud-init status --wait >/dev/null", "mkdir -p /tmp/herdsman-image"]
  }

  provisioner "file" {
    source      = var.binary
    destination = "/tmp/herdsman-image/herdsman"
  }

  provisioner "file" {
    source      = "${path.root}/../systemd/"
    destination = "/tmp/herdsman-image"
  }

  provisioner "file" {
    source      = var.config
    destination = "/tmp/herdsman-image/herdsman.toml"
  }

  provisioner "shell" {
    script          = "${path.root}/install-herdsman.sh"
    execute_command = "sudo sh '{{ .Path }}' /tmp/herdsman-image"
  }

  provisioner "shell" {
    # What identifies a machine belongs to none that is made from this image.
    inline = [
      "rm -rf /tmp/herdsman-image",
      "sudo cloud-init clean --logs",
      "sudo truncate --size 0 /etc/machine-id",
      "sudo sync",
    ]
  }

  post-processor "manifest" {
    output     = "manifest.json"
    strip_path = true
  }
}
