# Moved in the second apply, to see changes in place.
variable "write_units" {
  type    = number
  default = 5
}

variable "by_customer" {
  type    = bool
  default = true
}

variable "price" {
  type    = number
  default = 3
}

# Provisioned, with each kind of index, and most of what a table can have.
resource "aws_dynamodb_table" "orders" {
  name                        = "orders"
  billing_mode                = "PROVISIONED"
  read_capacity               = 10
  write_capacity              = var.write_units
  hash_key                    = "customer"
  range_key                   = "placed"
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"
  table_class                 = "STANDARD_INFREQUENT_ACCESS"
  deletion_protection_enabled = false

  attribute {
    name = "customer"
    type = "S"
  }

  attribute {
    name = "placed"
    type = "N"
  }

  attribute {
    name = "total"
    type = "N"
  }

  dynamic "attribute" {
    for_each = var.by_customer ? ["status"] : ["shop"]
    content {
      name = attribute.value
      type = "S"
    }
  }

  local_secondary_index {
    name               = "by_total"
    range_key          = "total"
    projection_type    = "INCLUDE"
    non_key_attributes = ["status"]
  }

  dynamic "global_secondary_index" {
    for_each = var.by_customer ? ["status"] : ["shop"]
    content {
      name            = "by_${global_secondary_index.value}"
      hash_key        = global_secondary_index.value
      range_key       = "placed"
      projection_type = "KEYS_ONLY"
      read_capacity   = 2
      write_capacity  = 2
    }
  }

  ttl {
    attribute_name = "expires"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
  }

  tags = {
    team = "fruit"
  }
}

# On demand, in three regions.
resource "aws_dynamodb_table" "prices" {
  name             = "prices"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "fruit"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "fruit"
    type = "S"
  }

  on_demand_throughput {
    max_read_request_units  = 100
    max_write_request_units = 50
  }

  replica {
    region_name    = "eu-west-1"
    propagate_tags = true
  }

  replica {
    region_name            = "us-west-2"
    point_in_time_recovery = true
  }

  tags = {
    team = "fruit"
  }
}

# Encrypted with DynamoDB's key in KMS.
resource "aws_dynamodb_table" "locks" {
  name         = "locks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"

  attribute {
    name = "LockID"
    type = "S"
  }

  server_side_encryption {
    enabled = true
  }

  # They are aws_dynamodb_tag's.
  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_dynamodb_table_item" "apple" {
  table_name = aws_dynamodb_table.prices.name
  hash_key   = aws_dynamodb_table.prices.hash_key

  item = jsonencode({
    fruit = { S = "apple" }
    price = { N = tostring(var.price) }
    sorts = { L = [{ S = "Boskoop" }, { S = "Elstar" }] }
  })
}

resource "aws_dynamodb_resource_policy" "orders" {
  resource_arn = aws_dynamodb_table.orders.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "partner"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }
      Action    = "dynamodb:GetItem"
      Resource  = aws_dynamodb_table.orders.arn
    }]
  })
}

resource "aws_dynamodb_kinesis_streaming_destination" "orders" {
  table_name                               = aws_dynamodb_table.orders.name
  stream_arn                               = "arn:aws:kinesis:us-east-1:000000000000:stream/orders"
  approximate_creation_date_time_precision = "MICROSECOND"
}

resource "aws_dynamodb_contributor_insights" "orders" {
  table_name = aws_dynamodb_table.orders.name
}

resource "aws_dynamodb_tag" "stage" {
  resource_arn = aws_dynamodb_table.locks.arn
  key          = "stage"
  value        = "test"
}

data "aws_dynamodb_table" "orders" {
  name       = aws_dynamodb_table.orders.name
  depends_on = [aws_dynamodb_resource_policy.orders]
}

data "aws_dynamodb_table_item" "apple" {
  table_name = aws_dynamodb_table.prices.name
  key        = jsonencode({ fruit = { S = "apple" } })
  depends_on = [aws_dynamodb_table_item.apple]
}

output "arn" {
  value = data.aws_dynamodb_table.orders.arn
}

output "stream_arn" {
  value = aws_dynamodb_table.orders.stream_arn
}

output "item" {
  value = data.aws_dynamodb_table_item.apple.item
}
