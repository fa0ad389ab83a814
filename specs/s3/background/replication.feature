Feature: Replication
  What is written to one bucket comes to another.

  Background:
    Given a bucket "here" with versions
    And a bucket "there" with versions

  Scenario: A version comes to the other bucket as it is
    Given the bucket "here" is replicated to "there"
    When I put "a" into the bucket "here" with the tag "colour=red"
    And replication has caught up
    Then "a" has the same version in "here" and "there"
    And "a" in the bucket "here" is said to be "COMPLETED"
    And "a" in the bucket "there" is said to be "REPLICA"

  Scenario: What was uploaded in parts comes too
    Given the bucket "here" is replicated to "there"
    When I upload "film" in 2 parts to the bucket "here"
    And replication has caught up
    Then "film" has the same version in "here" and "there"
    And "film" reads the same in "here" and "there"

  Scenario: Delete markers come along where the rule says so
    Given the bucket "here" is replicated to "there" with its delete markers
    And "a" was put into the bucket "here"
    When I delete "a" from the bucket "here"
    And replication has caught up
    Then there is no "a" in the bucket "there"
    And the bucket "there" holds 1 version and 1 delete marker

  Scenario: Elsewhere they stay
    Given the bucket "here" is replicated to "there"
    And "a" was put into the bucket "here"
    When I delete "a" from the bucket "here"
    And replication has caught up
    Then the bucket "there" holds "a"

  Scenario: The other bucket must have versions
    Given a bucket "plain"
    When I have the bucket "here" replicated to "plain"
    Then the call fails with "InvalidRequest", saying
      """
      Destination bucket must have versioning enabled.
      """
