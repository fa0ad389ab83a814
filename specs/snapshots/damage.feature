Feature: Files that are not whole
  A file that is damaged is refused whole: nothing of it is loaded, and what was there stays.

  Background:
    Given a cloud with the queue "mail" that holds "rain", "hail"
    And the whole cloud is saved to "seed.snap"
    And "snow" was sent to "mail" since

  Scenario Outline: It is refused, and nothing changes
    When "seed.snap" is <damaged>
    And I try to load "seed.snap", replacing what is there
    Then it is refused, as this snapshot is damaged
    And the queue "mail" gives "rain", "hail", "snow"
    And no look into "seed.snap" succeeds

    Examples:
      | damaged                     |
      | cut off in the middle       |
      | cut off one byte too early  |
      | changed by one bit          |
      | followed by something else  |

  Scenario: Another file
    When "seed.snap" is another kind of file
    And I try to load "seed.snap", replacing what is there
    Then it is refused, as this is not a snapshot of Virga
    And the queue "mail" gives "rain", "hail", "snow"

  Scenario: A file of a later Virga
    When "seed.snap" is of a later form
    And I try to load "seed.snap", replacing what is there
    Then it is refused, as this snapshot is of form 999
    And the queue "mail" gives "rain", "hail", "snow"
