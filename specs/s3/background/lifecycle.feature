Feature: Lifecycle
  Objects come to an end, or sink into cheaper storage, as the rules of their bucket have it. AWS looks once a day, at
  midnight.

  Scenario: An object ends after its days
    Given a bucket "logs"
    And the bucket "logs" has the lifecycle rule
      """
      {"ID": "week", "Filter": {"Prefix": "day/"}, "Expiration": {"Days": 7}}
      """
    And 10 hours have passed
    When I put "day/1" into the bucket "logs"
    Then the answer's Expiration is "expiry-date='Fri, 09 Jan 2026 00:00:00 GMT', rule-id='week'"
    When I put "keep" into the bucket "logs"
    Then the answer has no Expiration
    When I look at "day/1" in the bucket "logs"
    Then the answer's Expiration is "expiry-date='Fri, 09 Jan 2026 00:00:00 GMT', rule-id='week'"
    When 7 days pass
    Then the bucket "logs" holds "day/1", "keep"
    When 1 day passes
    Then the bucket "logs" holds "keep"

  Scenario: Tags decide
    Given a bucket "logs"
    And the bucket "logs" has the lifecycle rule
      """
      {"ID": "x", "Filter": {"Tag": {"Key": "keep", "Value": "no"}}, "Expiration": {"Days": 1}}
      """
    When I put "a" into the bucket "logs" with the tag "keep=no"
    And I put "b" into the bucket "logs" with the tag "keep=yes"
    And 2 days pass
    Then the bucket "logs" holds "b"
    When I tag "b" in the bucket "logs" with "keep=no"
    And 1 day passes
    Then the bucket "logs" holds nothing

  Scenario: Objects with versions are hidden first
    Given a bucket "archive" with versions
    And the bucket "archive" has the lifecycle rule
      """
      {"ID": "x", "Filter": {}, "Expiration": {"Days": 10}, "NoncurrentVersionExpiration": {"NoncurrentDays": 5}}
      """
    And "a" was put into the bucket "archive"
    When 10 days pass
    Then the bucket "archive" holds nothing
    And the bucket "archive" holds 1 version and 1 delete marker
    When 5 days pass
    Then the bucket "archive" holds 0 versions and 1 delete marker
    When 5 days pass
    Then the bucket "archive" holds 0 versions and 0 delete markers

  Scenario: Objects sink through storage classes
    Given a bucket "archive"
    And the bucket "archive" has the lifecycle rule
      """
      {"ID": "x", "Filter": {"Prefix": ""}, "Transitions": [
        {"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}]}
      """
    And "large" of 200000 bytes was put into the bucket "archive"
    And "small" of 2000 bytes was put into the bucket "archive"
    When 30 days pass
    Then "large" in the bucket "archive" is in the storage class "STANDARD_IA"
    When 60 days pass
    Then "large" in the bucket "archive" is in the storage class "GLACIER"
    And "small" in the bucket "archive" is in the storage class "STANDARD"

  Scenario: Uploads that nobody completes are given up
    Given a bucket "archive"
    And the bucket "archive" has the lifecycle rule
      """
      {"ID": "x", "Filter": {}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}
      """
    When I begin an upload of "film" to the bucket "archive"
    Then the answer's AbortRuleId is "x"
    When 1 day passes
    Then the bucket "archive" has 1 upload under way
    When 1 day passes
    Then the bucket "archive" has 0 uploads under way

  Scenario: What makes no sense is refused
    Given a bucket "logs"
    When I give the bucket "logs" the lifecycle rule
      """
      {"ID": "x", "Filter": {}, "Expiration": {"Date": "2026-02-01T12:00:00Z"}}
      """
    Then the call fails with "InvalidArgument", saying
      """
      'Date' must be at midnight GMT
      """
    When I give the bucket "logs" the lifecycle rule
      """
      {"ID": "x", "Filter": {}}
      """
    Then the call fails with "InvalidRequest", saying
      """
      At least one action needs to be specified in a rule
      """
