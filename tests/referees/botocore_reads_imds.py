"""botocore's own IMDS clients against an IMDS: prints the role's credentials and the region as JSON. Usage: botocore_reads_imds.py URL"""

import json
import sys

from botocore.utils import InstanceMetadataFetcher, InstanceMetadataRegionFetcher

url = sys.argv[1]
# With no way back to version 1: a refused token must show.
options = {"timeout": 10, "num_attempts": 1, "base_url": url, "config": {"ec2_metadata_v1_disabled": True}}
credentials = InstanceMetadataFetcher(**options).retrieve_iam_role_credentials()
region = InstanceMetadataRegionFetcher(**options).retrieve_region()
print(json.dumps({"role": credentials.get("role_name"), "access_key": credentials.get("access_key"), "region": region}))
