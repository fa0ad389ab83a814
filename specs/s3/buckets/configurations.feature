Feature: Configurations
  What a bucket is told is kept with it and goes with it.

  Scenario: Tags of a bucket
    Given a bucket "tagged"
    When I ask for the tags of the bucket "tagged"
    Then the call fails with "NoSuchTagSet"
    When I tag the bucket "tagged" with "team=fruit"
    And I ask for the tags of the bucket "tagged"
    Then the answer holds the tag "team=fruit"
    When I tag the bucket "tagged" with "aws:team=fruit"
    Then the call fails with "InvalidTag"

  Scenario: Metrics are listed in the order of their ids
    Given a bucket "measured"
    When I give the bucket "measured" the metrics "b" of the prefix "logs/"
    And I give the bucket "measured" the metrics "a" of the prefix "pages/"
    And I ask for the metrics of the bucket "measured"
    Then the answer lists the metrics "a", "b"
    When I take the metrics "a" from the bucket "measured"
    And I take the metrics "a" from the bucket "measured"
    Then the call fails with "NoSuchConfiguration"
