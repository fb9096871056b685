# Databases and tokens of a Tidegate server, kept as code by the public provider for Cloud Dedicated.
# See README.md beside this file for what it needs and for what was run.

terraform {
  required_version = ">= 1.5"

  required_providers {
    influxdb3 = {
      source = "komminarlabs/influxdb3"
      # The last version that can be sent to a server other than the vendor's.
      version = "1.2.3"
    }
  }
}

variable "url" {
  description = "Where the server's Management API is: management_url of credentials.toml"
  type        = string
}

variable "account_id" {
  description = "account_id of credentials.toml"
  type        = string
}

variable "cluster_id" {
  description = "cluster_id of credentials.toml"
  type        = string
}

variable "management_token" {
  description = "A management token of its own: tidegate management create --description terraform"
  type        = string
  sensitive   = true
}

provider "influxdb3" {
  url        = "${trimsuffix(var.url, "/")}/api/v0"
  account_id = var.account_id
  cluster_id = var.cluster_id
  token      = var.management_token
}

locals {
  day = 24 * 60 * 60 * 1000 * 1000 * 1000

  # Each line of the plant has a gateway that writes and nothing else.
  gateways = toset(["line-1", "line-2"])
}

resource "influxdb3_database" "plant" {
  name                  = "plant"
  retention_period      = 30 * local.day
  max_tables            = 100
  max_columns_per_table = 200

  partition_template = [
    { type = "tag", value = "line" },
    { type = "bucket", value = jsonencode({ tagName = "station", numberOfBuckets = 10 }) },
    { type = "time", value = "%Y-%m-%d" },
  ]
}

resource "influxdb3_database" "summaries" {
  name             = "plant/summaries"
  retention_period = 0 # for ever
}

resource "influxdb3_token" "gateway" {
  for_each    = local.gateways
  description = "gateway of ${each.key}"

  permissions = [
    { action = "write", resource = influxdb3_database.plant.name },
  ]
}

# Reads what the gateways write, and writes summaries.
resource "influxdb3_token" "summarizer" {
  description = "summarizer"
  expires_at  = "2030-01-01T00:00:00Z"

  permissions = [
    { action = "read", resource = influxdb3_database.plant.name },
    { action = "write", resource = influxdb3_database.summaries.name },
  ]
}

# Terraform keeps what it creates in its state, the tokens as well: keep the state where only those may read it who may
# use the tokens.
output "gateway_tokens" {
  value     = { for line, token in influxdb3_token.gateway : line => token.access_token }
  sensitive = true
}

output "summarizer_token" {
  value     = influxdb3_token.summarizer.access_token
  sensitive = true
}
