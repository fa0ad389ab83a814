Feature: Batch jobs
  A job does one thing to each object that a manifest names, as its role, and reports what became of each.

  Background:
    Given a bucket "ledger"
    And "a.txt" was put into the bucket "ledger"
    And a manifest of "a.txt" and "none.txt" in the bucket "ledger"

  Scenario: A job tags what is there and reports what is not
    When a batch job tags what the manifest names with "class=old"
    And all that is due has been done
    Then the job is "Complete", with 1 object done and 1 failed
    And "a.txt" in the bucket "ledger" has the tag "class=old"
    And the job's report in the bucket "ledger" has a file of what "succeeded" and one of what "failed"

  Scenario: A job may wait until it is confirmed
    When a batch job, to be confirmed, tags what the manifest names with "class=old"
    And all that is due has been done
    Then the job is "Suspended", with 0 objects done and 0 failed
    When I confirm the job
    And all that is due has been done
    Then the job is "Complete", with 1 object done and 1 failed
