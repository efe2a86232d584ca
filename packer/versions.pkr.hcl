# What a modern Packer fetches with `packer init .`. Packer before 1.7 has its plugins built in and does not know this block:
# there, name the template alone (packer build ami.pkr.hcl).
packer {
  required_version = ">= 1.7.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1.3"
    }
  }
}
