Feature: Seeds from a file
  A cloud is set up once and saved. Every run of the tests, on every machine, begins with the file.

  Background:
    Given a cloud with the queue "mail" that holds "rain", "hail"
    And the whole cloud is saved to "seed.snap"

  Scenario: An empty cloud takes it up
    Given another cloud
    When I load "seed.snap" there
    Then there the queue "mail" gives "rain", "hail"

  Scenario: A cloud that keeps its data takes it up, and keeps it
    Given another cloud that keeps its data
    When I load "seed.snap" there
    And that cloud is killed and started again
    Then there the queue "mail" gives "rain", "hail"

  Scenario: What changes after saving is not in the file
    When I send "snow" to "mail"
    And I load "seed.snap", replacing what is there
    Then the queue "mail" gives "rain", "hail"

  Scenario: A world of its own for each test
    When I load the world of "seed.snap" as "test-1"
    And I delete the queue "mail"
    Then in "test-1" the queue "mail" gives "rain", "hail"

  Scenario: Nothing is replaced unawares
    When I send "snow" to "mail"
    And I try to load "seed.snap"
    Then it is refused, as the world "main" has resources already
    And the queue "mail" gives "rain", "hail", "snow"

  Scenario: Ids do not come twice
    Given another cloud
    When I load "seed.snap" there
    And I send "snow" to "mail" there
    Then there no two messages of "mail" have the same id
