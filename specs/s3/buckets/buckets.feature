Feature: Buckets
  A bucket's name belongs to whoever took it first, in all accounts and regions.

  Scenario: A bucket is made in the region that it is asked for
    When I create the bucket "orders" in "eu-west-1"
    Then the bucket "orders" is in the region "eu-west-1"

  Scenario: A name is taken once in the whole world
    Given a bucket "orders"
    When account "111122223333" creates the bucket "orders"
    Then the call fails with "BucketAlreadyExists"

  Scenario: Its owner may make it again in us-east-1, which changes nothing
    Given a bucket "orders"
    And "list.txt" was put into the bucket "orders"
    When I create the bucket "orders" in "us-east-1"
    Then the bucket "orders" holds "list.txt"

  Scenario: A name must follow the rules
    When I create the bucket "My_Bucket" in "us-east-1"
    Then the call fails with "InvalidBucketName", saying
      """
      The specified bucket is not valid.
      """

  Scenario: The endpoint of a region makes buckets there alone
    When I create the bucket "orders" at the endpoint of "us-west-2" for "eu-west-1"
    Then the call fails with "IllegalLocationConstraintException"

  Scenario: Only an empty bucket can be deleted
    Given a bucket "orders"
    And "list.txt" was put into the bucket "orders"
    When I delete the bucket "orders"
    Then the call fails with "BucketNotEmpty"
    When I delete "list.txt" from the bucket "orders"
    And I delete the bucket "orders"
    Then the call succeeds
