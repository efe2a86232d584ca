"""cloud-init's EC2 data source against an IMDS: prints what it crawled as JSON. Usage, with the system's Python: cloud_init_reads_imds.py URL"""

import json
import sys
import tempfile

from cloudinit import helpers, sources
from cloudinit.sources import DataSourceEc2

url = sys.argv[1]
with tempfile.TemporaryDirectory() as folder:
    paths = helpers.Paths({"cloud_dir": folder, "run_dir": folder})
    system = {"datasource": {"Ec2": {"metadata_urls": [url], "max_wait": 30, "timeout": 10}}}
    source = DataSourceEc2.DataSourceEc2(system, None, paths)
    # As it finds out from the firmware; on AWS it never goes back to version 1.
    source._cloud_name = DataSourceEc2.CloudNames.AWS
    crawled = source.crawl_metadata()
    crawled["user-data"] = crawled["user-data"].decode()
    print(json.dumps(crawled))
